//! Regular expressions of the price facts as rules of the table. Only the build script uses this.
//!
//! The facts use regular expressions for little more than dated names (`^gpt-6-sol-\d{4}-\d{2}-\d{2}$`), and the
//! names they are held against are in lower case by then. An expression that stands for a handful of texts becomes
//! those texts; everything else is refused, so that the module carries no engine for them.

use std::iter::Peekable;
use std::str::Chars;

/// More texts than this from one expression are refused.
const MOST_TEXTS: usize = 64;

/// The rule for an expression, as Rust source.
pub(crate) fn compile(expression: &str) -> Result<String, String> {
    let mut rest = expression.strip_prefix('^').ok_or("not anchored at the start")?;
    let mut rules = Vec::new();
    while let Some(inside) = rest.strip_prefix("(?!") {
        let (inside, after) = split_group(inside)?;
        rules.extend(refusals(inside)?);
        rest = after;
    }
    let texts = texts(rest)?;
    if !(texts.is_empty() || texts == [""]) || rules.is_empty() {
        let texts: Vec<String> = texts.iter().map(|text| beginning(text)).collect();
        rules.push(any(&texts));
    }
    Ok(match rules.as_slice() {
        [rule] => rule.clone(),
        rules => format!("All(&[{}])", rules.join(", ")),
    })
}

/// Splits behind the parenthesis that closes the group.
fn split_group(inside: &str) -> Result<(&str, &str), String> {
    let mut depth = 0_u32;
    for (at, char) in inside.char_indices() {
        match char {
            '(' => depth += 1,
            ')' if depth == 0 => {
                let (group, after) = inside.split_at(at);
                return Ok((group, after.strip_prefix(')').unwrap_or(after)));
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    Err("a group without an end".into())
}

/// A negative look-ahead at the start of the name.
fn refusals(inside: &str) -> Result<Vec<String>, String> {
    if inside == "[^/]+/" {
        return Ok(vec!["Not(&Qualified)".into()]);
    }
    let anywhere = inside.strip_prefix(".*").ok_or("an unknown look-ahead")?;
    let refusal = |text: &String| match text.strip_suffix('$') {
        _ if text.contains('#') => Err("a digit in a look-ahead".into()),
        Some(end) => Ok(format!("Not(&Ends({end:?}))")),
        None => Ok(format!("Not(&Contains({text:?}))")),
    };
    texts(anywhere)?.iter().map(refusal).collect()
}

/// The rule for one text: the whole name when it ends with `$`, else its beginning.
fn beginning(text: &str) -> String {
    match (text.strip_suffix('$'), text.contains('#')) {
        (Some(whole), false) => format!("Equals({whole:?})"),
        (Some(whole), true) => format!("Shape({whole:?})"),
        (None, false) => format!("Starts({text:?})"),
        (None, true) => format!("StartShape({text:?})"),
    }
}

fn any(rules: &[String]) -> String {
    match rules {
        [rule] => rule.clone(),
        rules => format!("Any(&[{}])", rules.join(", ")),
    }
}

/// Every text that an expression stands for: `#` is one digit, `$` the end of the name. Texts with capitals are
/// left out, as no folded name has any.
fn texts(expression: &str) -> Result<Vec<String>, String> {
    let mut chars = expression.chars().peekable();
    let mut texts = alternatives(&mut chars)?;
    if let Some(char) = chars.next() {
        return Err(format!("{char:?} is out of place"));
    }
    texts.retain(|text| !text.bytes().any(|byte| byte.is_ascii_uppercase()));
    if texts.iter().any(|text| text.trim_end_matches('$').contains('$')) {
        return Err("an end before the end".into());
    }
    Ok(texts)
}

fn alternatives(chars: &mut Peekable<Chars<'_>>) -> Result<Vec<String>, String> {
    let mut texts = sequence(chars)?;
    while chars.next_if_eq(&'|').is_some() {
        texts.extend(sequence(chars)?);
    }
    Ok(texts)
}

fn sequence(chars: &mut Peekable<Chars<'_>>) -> Result<Vec<String>, String> {
    let mut texts = vec![String::new()];
    while let Some(char) = chars.next_if(|char| !matches!(char, '|' | ')')) {
        let atom = repeated(atom(char, chars)?, chars)?;
        texts = products(&texts, &atom)?;
    }
    Ok(texts)
}

/// Every text of the first followed by every text of the second.
fn products(first: &[String], second: &[String]) -> Result<Vec<String>, String> {
    if first.len().saturating_mul(second.len()) > MOST_TEXTS {
        return Err("too many texts".into());
    }
    Ok(first.iter().flat_map(|start| second.iter().map(move |end| format!("{start}{end}"))).collect())
}

fn atom(char: char, chars: &mut Peekable<Chars<'_>>) -> Result<Vec<String>, String> {
    let one = |text: char| Ok(vec![text.to_string()]);
    match char {
        '$' => one('$'),
        '\\' => match chars.next() {
            Some('d') => one('#'),
            Some(char) if char.is_ascii_punctuation() && char != '#' && char != '$' => one(char),
            other => Err(format!("unknown escape {other:?}")),
        },
        '[' => {
            let class: String = chars.by_ref().take_while(|char| *char != ']').collect();
            if class.starts_with('^') || class.chars().skip(1).any(|char| "-\\#$".contains(char)) {
                return Err(format!("unknown class [{class}]"));
            }
            Ok(class.chars().map(String::from).collect())
        }
        '(' => {
            if chars.next() != Some('?') || chars.next() != Some(':') {
                return Err("an unknown kind of group".into());
            }
            let texts = alternatives(chars)?;
            chars.next_if_eq(&')').ok_or("a group without an end")?;
            Ok(texts)
        }
        char if char.is_ascii_alphanumeric() || "-_/:@=,~".contains(char) => one(char),
        char => Err(format!("{char:?} is not understood")),
    }
}

/// The texts of an atom with what follows it: `?`, `{n}` or nothing.
fn repeated(mut atom: Vec<String>, chars: &mut Peekable<Chars<'_>>) -> Result<Vec<String>, String> {
    if chars.next_if_eq(&'?').is_some() {
        atom.push(String::new());
    } else if chars.next_if_eq(&'{').is_some() {
        let times: String = chars.by_ref().take_while(|char| *char != '}').collect();
        let times: usize = times.parse().map_err(|_| format!("unknown repetition {{{times}}}"))?;
        let mut texts = vec![String::new()];
        for _ in 0..times {
            texts = products(&texts, &atom)?;
        }
        return Ok(texts);
    }
    Ok(atom)
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn expressions_become_rules() {
        for (expression, rule) in [
            (r"^gpt-6-\d{4}-\d{2}$", r#"Shape("gpt-6-####-##")"#),
            (r"^gemini-3\.5-flash-\d", r#"StartShape("gemini-3.5-flash-#")"#),
            (r"^o[13]", r#"Any(&[Starts("o1"), Starts("o3")])"#),
            (r"^a\[fast=true\]$", r#"Equals("a[fast=true]")"#),
            (
                r"^(?:x-)?(?:a|b(?:c|d))$",
                concat!(
                    r#"Any(&[Equals("x-a"), Equals("x-bc"), Equals("x-bd"), "#,
                    r#"Equals("a"), Equals("bc"), Equals("bd")])"#,
                ),
            ),
            (r"^(?!.*-[tT](?:$|-))", r#"All(&[Not(&Ends("-t")), Not(&Contains("-t-"))])"#),
            (r"^(?![^/]+/)m", r#"All(&[Not(&Qualified), Starts("m")])"#),
            // No folded name has capitals.
            (r"^[aA]b", r#"Starts("ab")"#),
            (r"^Ab", "Any(&[])"),
        ] {
            assert_eq!(compile(expression).as_deref(), Ok(rule), "{expression}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for expression in [
            "a",
            "^a+",
            "^a*",
            "^a.",
            "^[^a]",
            "^[a-z]",
            "^(a)",
            "^(?:a",
            "^a)",
            "^a$b",
            r"^\w",
            "^a{x}",
            "^a#",
            "^(?=a)",
            "^(?!a)b",
            "^(?!.*a",
            "^[abcdefgh]{3}",
        ] {
            assert!(compile(expression).is_err(), "{expression}");
        }
    }
}
