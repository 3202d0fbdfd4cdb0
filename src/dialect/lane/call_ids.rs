//! Ids for calls that came without one. Clients tell the calls of a whole conversation apart by their ids, so a number
//! within the answer is not enough.

use crate::chat::{ChatResponse, PartKind, Text};

/// Characters of an answer's id that the ids of its calls repeat: a call's may have 40 at OpenAI.
const CORE: usize = 28;

/// Makes the ids of one answer's calls.
#[derive(Debug, Default)]
pub(super) struct CallIds {
    core: String,
    next: usize,
}

impl CallIds {
    /// `answer` is its own id; the time it was made tells answers apart that have none.
    pub(super) fn new(answer: &Text<'_>, created: u64) -> Self {
        let answer = answer.to_str();
        let characters: Vec<char> = answer.chars().filter(char::is_ascii_alphanumeric).collect();
        // Ids begin with what they are: it is the end that differs.
        let core: String = characters.iter().skip(characters.len().saturating_sub(CORE)).collect();
        Self { core: if core.is_empty() { created.to_string() } else { core }, next: 0 }
    }

    /// The id of the answer's next call, given its own, which stays where there is one.
    pub(super) fn of<'t>(&mut self, id: Text<'t>) -> Text<'t> {
        let number = self.next;
        self.next = number.saturating_add(1);
        if id.is_empty() { Text::from(format!("call_{}_{number}", self.core)) } else { id }
    }
}

/// Gives an id to all calls of a whole answer.
pub(super) fn name_calls(response: &mut ChatResponse<'_>, created: u64) {
    let mut ids = CallIds::new(&response.id, response.created.unwrap_or(created));
    for part in response.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
        if let PartKind::ToolCall(call) = &mut part.kind {
            call.id = ids.of(std::mem::take(&mut call.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_from_answer_to_answer_and_from_call_to_call() {
        let mut ids = CallIds::new(&"chatcmpl-1".into(), 7);
        assert_eq!(
            [ids.of("".into()), ids.of("own".into()), ids.of("".into())],
            ["call_chatcmpl1_0", "own", "call_chatcmpl1_2"]
        );
        assert_eq!(CallIds::new(&"".into(), 7).of("".into()), "call_7_0");
        assert!(CallIds::new(&Text::from("x".repeat(99)), 7).of("".into()).len() <= 40);
    }
}
