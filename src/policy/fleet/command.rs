//! The command that webdis carries to Redis.

use crate::policy::ledger::Consumed;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;

/// What happens in Redis, at once for all cells of a call.
const SCRIPT: &str = include_str!("exchange.lua");

/// For how many seconds the others believe what this Envoy said of its requests under way. One that died takes its place
/// no longer than this.
pub const FRESH_SECS: u64 = 15;

/// How much longer than its window a total is kept: clocks differ.
const SLACK_SECS: u64 = 600;

/// What would end a part of a key.
const PART: &AsciiSet = &CONTROLS.add(b':').add(b'%');

/// The body of a `POST /` to webdis: a command and its arguments with slashes between. Whatever is no letter or digit is
/// percent-encoded, so that no argument can end early nor the last one be taken for a file name.
pub fn write(prefix: &str, node: &str, cells: &[Consumed]) -> String {
    let mut body = String::with_capacity(3 * SCRIPT.len() + 160 * cells.len());
    body.push_str("EVAL");
    argument(&mut body, SCRIPT);
    argument(&mut body, &cells.len().to_string());
    for cell in cells {
        argument(&mut body, &key(prefix, cell));
    }
    argument(&mut body, node);
    argument(&mut body, &FRESH_SECS.to_string());
    for cell in cells {
        let till = if cell.id.window == 0 { 0 } else { cell.keep_until.saturating_add(SLACK_SECS) };
        argument(&mut body, &cell.own.to_string());
        argument(&mut body, &till.to_string());
    }
    body
}

/// A cell's name in Redis.
fn key(prefix: &str, cell: &Consumed) -> String {
    let part = |text| utf8_percent_encode(text, PART);
    format!("{prefix}:{}:{}:{}", cell.id.window, part(&cell.id.rule), part(&cell.id.value))
}

fn argument(body: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = write!(body, "/{}", utf8_percent_encode(text, NON_ALPHANUMERIC));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ledger::CellId;

    fn cell(rule: &str, value: &str, window: u64, own: u64) -> Consumed {
        Consumed { id: CellId { rule: rule.into(), value: value.into(), window }, own, keep_until: 2_000 }
    }

    /// The arguments as webdis takes them apart.
    fn arguments(body: &str) -> Vec<String> {
        let decode = |part| percent_encoding::percent_decode_str(part).decode_utf8().unwrap().into_owned();
        body.split('/').map(decode).collect()
    }

    #[test]
    fn every_cell_has_a_key_and_two_arguments() {
        let body = write(
            "fleet one",
            "n1",
            &[cell("daily", "acme", 1_000, 18_446_744_073_709_551_615), cell("open", "", 0, 3)],
        );
        let arguments = arguments(&body);
        assert_eq!((arguments[0].as_str(), arguments[1].as_str()), ("EVAL", SCRIPT));
        assert_eq!(
            arguments[2..],
            [
                "2",
                "fleet one:1000:daily:acme",
                "fleet one:0:open:",
                "n1",
                "15",
                "18446744073709551615",
                "2600",
                "3",
                "0"
            ]
        );
    }

    #[test]
    fn no_name_is_taken_for_another_or_for_a_format() {
        let names = [("a", "b:c"), ("a:b", "c"), ("a%3Ab", "c"), ("a", "b.json"), ("ä/b", "c?d+e")];
        let body = |(rule, value): (&str, &str)| write("p", "n", &[cell(rule, value, 7, 1)]);
        let mut keys: Vec<String> = names.iter().map(|name| arguments(&body(*name))[3].clone()).collect();
        assert_eq!(keys[4], "p:7:%C3%A4/b:c?d+e");
        keys.dedup();
        assert_eq!(keys.len(), names.len());
        assert!(!body(names[3]).contains('.') && !body(names[4]).contains(['?', '+']));
    }
}
