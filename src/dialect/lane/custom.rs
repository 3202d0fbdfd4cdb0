//! OpenAI's custom tools, which take free text, at providers whose tools take JSON: there they are functions of one text,
//! and their calls become free text again on the way back.

use super::AnswerPlan;
use crate::chat::{
    Arguments, ChatRequest, ChatResponse, Delta, Event, Failure, Function, Json, Losses, PartKind, PartStart,
    Text, ToolKind,
};
use crate::dialect::{Dialect, Takes};
use crate::provider::{Quirks, ReasoningSwitch};
use crate::wire::json::members;
use std::collections::{HashMap, HashSet};

/// The parameters of such a function.
const PARAMETERS: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// Bytes of one call's input that wait for its end, at most: what one event of a provider's stream may have.
const MOST: usize = crate::wire::sse::MAX_EVENT;

/// Whether a provider knows custom tools: OpenAI itself does, in both of its dialects.
pub(super) fn are_known(provider: Dialect, quirks: &Quirks) -> bool {
    provider.shape().takes(Takes::CustomTools) && quirks.reasoning == ReasoningSwitch::Openai
}

/// The names of a request's custom tools.
pub(super) fn names(request: &ChatRequest<'_>) -> Vec<String> {
    let tools = request.tools.iter();
    let names = tools.filter_map(|tool| match &tool.kind {
        ToolKind::Custom(custom) => Some(custom.name.to_str().into_owned()),
        _ => None,
    });
    names.collect()
}

/// Makes functions of a request's custom tools, and calls of functions of their calls.
pub(super) fn as_functions(request: &mut ChatRequest<'_>, losses: &mut Losses) {
    for (index, tool) in request.tools.iter_mut().enumerate() {
        let ToolKind::Custom(custom) = &tool.kind else { continue };
        losses.note(format_args!("tools[{index}]: a custom tool is a function of one text at this provider"));
        let mut said: Vec<String> =
            custom.description.iter().map(|text| text.to_str().into_owned()).collect();
        if let Some(grammar) = &custom.grammar {
            let (syntax, definition) = (grammar.syntax.to_str(), grammar.definition.to_str());
            said.push(format!("The input must follow this grammar ({syntax}):\n{definition}"));
        }
        tool.kind = ToolKind::Function(Function {
            name: custom.name.clone(),
            description: (!said.is_empty()).then(|| Text::from(said.join("\n\n"))),
            parameters: Some(Json::trusted(PARAMETERS)),
            strict: None,
        });
    }
    for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
        if let PartKind::ToolCall(call) = &mut part.kind {
            call.arguments = as_object(std::mem::replace(&mut call.arguments, Arguments::Text("".into())));
        }
    }
}

fn as_object(arguments: Arguments<'_>) -> Arguments<'_> {
    match &arguments {
        Arguments::Input(_) => Arguments::Json(Json::trusted(arguments.to_object().0.as_str().to_owned())),
        _ => arguments,
    }
}

/// The free text that a function was called with in place of a custom tool: all of it where it is not as was asked.
fn input_of(arguments: &str) -> Text<'static> {
    let input = members(arguments.as_bytes()).ok().and_then(|found| {
        found.get("input").and_then(|member| Text::from_raw(member.value)).map(Text::into_owned)
    });
    input.unwrap_or_else(|| Text::from(arguments.to_owned()))
}

/// Makes the calls of a whole answer what the client knows them as.
pub(super) fn settle(plan: &AnswerPlan, response: &mut ChatResponse<'_>) {
    let customs: HashSet<&str> = plan.custom_tools.iter().map(String::as_str).collect();
    for part in response.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
        let PartKind::ToolCall(call) = &mut part.kind else { continue };
        let is_free = matches!(call.arguments, Arguments::Input(_));
        if is_free && !plan.client.shape().takes(Takes::CustomTools) {
            call.arguments = as_object(std::mem::replace(&mut call.arguments, Arguments::Text("".into())));
        } else if !is_free && customs.contains(&*call.name.to_str()) {
            call.arguments = Arguments::Input(input_of(&call.arguments.as_plain()));
        }
    }
}

/// The same for the calls of a stream.
#[derive(Debug)]
pub(super) struct CustomCalls {
    is_known: bool,
    names: HashSet<String>,
    /// By choice, the open call that becomes another.
    open: HashMap<u32, Open>,
}

#[derive(Debug)]
enum Open {
    /// A call of a function that is one of a custom tool: its arguments so far.
    Function(String),
    /// Free text for a client that knows only functions.
    Input,
}

impl CustomCalls {
    /// `None` where no call has to become another.
    pub(super) fn new(plan: &AnswerPlan) -> Option<Self> {
        let is_known = plan.client.shape().takes(Takes::CustomTools);
        let may_come =
            !plan.custom_tools.is_empty() || (plan.provider.shape().takes(Takes::CustomTools) && !is_known);
        (may_come && plan.client != plan.provider).then(|| Self {
            is_known,
            names: plan.custom_tools.iter().cloned().collect(),
            open: HashMap::new(),
        })
    }

    /// Sends the event, or what it becomes.
    pub(super) fn pass(&mut self, event: Event<'_>, send: &mut impl FnMut(Event<'_>)) {
        let arguments = |choice, text| Event::Delta { choice, delta: Delta::Arguments(text) };
        match event {
            Event::PartStart { choice, part: PartStart::ToolCall { id, name } }
                if self.names.contains(&*name.to_str()) =>
            {
                self.open.insert(choice, Open::Function(String::new()));
                send(Event::PartStart { choice, part: PartStart::CustomCall { id, name } });
            }
            Event::PartStart { choice, part: PartStart::CustomCall { id, name } } if !self.is_known => {
                self.open.insert(choice, Open::Input);
                send(Event::PartStart { choice, part: PartStart::ToolCall { id, name } });
                send(arguments(choice, Text::plain("{\"input\":\"")));
            }
            Event::Delta { choice, delta: Delta::Arguments(text) } => match self.open.get_mut(&choice) {
                None => send(arguments(choice, text)),
                Some(Open::Input) => {
                    let mut escaped = Vec::with_capacity(text.len());
                    Text::plain(text.to_str()).write_content(&mut escaped);
                    send(arguments(choice, Text::from(String::from_utf8(escaped).unwrap_or_default())));
                }
                Some(Open::Function(held)) if held.len().saturating_add(text.len()) > MOST => {
                    send(Event::Error(Failure::new(502, "the input of a custom tool's call is too long")));
                }
                Some(Open::Function(held)) => held.push_str(&text.to_str()),
            },
            Event::PartStop { choice } => {
                match self.open.remove(&choice) {
                    None => {}
                    Some(Open::Input) => send(arguments(choice, Text::plain("\"}"))),
                    Some(Open::Function(held)) => send(arguments(choice, input_of(&held))),
                }
                send(Event::PartStop { choice });
            }
            event => send(event),
        }
    }
}
