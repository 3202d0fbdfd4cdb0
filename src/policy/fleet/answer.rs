//! What webdis answers.

use serde::Deserialize;

/// Longest word of an error that is kept, in bytes: it is for people.
const ERROR_BYTES: usize = 160;

/// What an exchange brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which Redis it was: another name means that it was started again, and may have lost what it had. Empty where it
    /// does not tell.
    pub run: String,
    /// What others consumed, of each cell in the order asked.
    pub others: Vec<u64>,
}

/// `{"EVAL": …}`: a list of texts, or `[false, "why not"]`.
#[derive(Deserialize)]
struct Page {
    #[serde(rename = "EVAL")]
    eval: Eval,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Eval {
    Texts(Vec<String>),
    Status(bool, String),
}

/// Reads the answer to a call with `cells` cells; an error says in a few words what is wrong. `status` is 0 where nobody
/// answered.
pub fn read(status: u16, body: &[u8], cells: usize) -> Result<Answer, String> {
    match status {
        200 => {}
        0 => return Err("webdis does not answer".to_owned()),
        403 => return Err("webdis does not let us ask (403)".to_owned()),
        503 => return Err("webdis cannot reach Redis (503)".to_owned()),
        other => return Err(format!("webdis answers {other}")),
    }
    let page: Page = serde_json::from_slice(body).map_err(|_| "webdis answers something else".to_owned())?;
    let mut texts = match page.eval {
        Eval::Texts(texts) => texts.into_iter(),
        Eval::Status(true, _) => return Err("Redis answers no amounts".to_owned()),
        Eval::Status(false, mut why) => {
            why.truncate(why.floor_char_boundary(ERROR_BYTES));
            return Err(format!("Redis refuses: {why}"));
        }
    };
    let run = texts.next().ok_or("Redis answers nothing")?;
    let others: Vec<u64> =
        texts.map(|text| amount(&text)).collect::<Option<_>>().ok_or("Redis answers no amounts")?;
    if others.len() != cells {
        return Err(format!("Redis answers of {} counters, {cells} were asked about", others.len()));
    }
    Ok(Answer { run, others })
}

/// Two sums: of all but the last nine digits, and of the last nine.
fn amount(text: &str) -> Option<u64> {
    let (high, low) = text.split_once(' ')?;
    let (high, low): (u128, u128) = (high.parse().ok()?, low.parse().ok()?);
    let whole = high.checked_mul(1_000_000_000)?.checked_add(low)?;
    Some(u64::try_from(whole).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_put_together() {
        let read = read(
            200,
            br#"{"EVAL":["abc","0 0","12 3000000004","18446744073 709551615","99999999999 0"]}"#,
            4,
        );
        assert_eq!(
            read.unwrap(),
            Answer { run: "abc".into(), others: vec![0, 15_000_000_004, u64::MAX, u64::MAX] }
        );
        assert_eq!(super::read(200, br#"{"EVAL":[""]}"#, 0).unwrap().run, "");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let why = |status, body: &str, cells| read(status, body.as_bytes(), cells).unwrap_err();
        assert_eq!(why(0, "", 0), "webdis does not answer");
        assert_eq!(why(503, "", 0), "webdis cannot reach Redis (503)");
        assert_eq!(why(403, "", 0), "webdis does not let us ask (403)");
        assert_eq!(why(500, "", 0), "webdis answers 500");
        assert_eq!(
            why(200, r#"{"EVAL":[false,"LOADING Redis is loading"]}"#, 1),
            "Redis refuses: LOADING Redis is loading"
        );
        for body in ["", "[]", "{}", r#"{"EVAL":null}"#, r#"{"EVAL":["a",1]}"#, r#"{"GET":["a"]}"#] {
            assert_eq!(why(200, body, 1), "webdis answers something else", "{body}");
        }
        assert_eq!(why(200, r#"{"EVAL":[]}"#, 0), "Redis answers nothing");
        assert_eq!(why(200, r#"{"EVAL":["a","-1 0"]}"#, 1), "Redis answers no amounts");
        assert_eq!(why(200, r#"{"EVAL":["a","1 0"]}"#, 2), "Redis answers of 1 counters, 2 were asked about");
    }

    #[test]
    fn a_long_error_is_cut() {
        let body = format!(r#"{{"EVAL":[false,"{}"]}}"#, "ä".repeat(300));
        assert!(read(200, body.as_bytes(), 0).unwrap_err().len() < 200);
    }
}
