//! Where in a YAML text a path is.
//!
//! A configuration is compiled from plain values, which have forgotten their lines. This finds them again by
//! indentation, which is how people write these files; inside `{ … }` and `[ … ]` it stops at the line they begin on.

/// Line and column, counted from 1, of the deepest part of the path that can be found. `None` for an empty path or one
/// of which not even the first part is there.
pub(super) fn locate(text: &str, path: &str) -> Option<(usize, usize)> {
    let lines: Vec<Line<'_>> =
        text.lines().enumerate().filter_map(|(index, line)| Line::new(index + 1, line)).collect();
    let mut block = lines.as_slice();
    let mut found = None;
    for segment in segments(path) {
        let Some((at, inner)) = find(block, &segment) else { break };
        found = Some(at);
        block = inner;
    }
    found
}

/// One part of a path.
#[derive(Debug, PartialEq)]
enum Segment {
    Name(String),
    Index(usize),
}

/// The parts of a path such as `models."a.b".targets[1].model`.
fn segments(path: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']').unwrap_or((after, ""));
            segments.extend(index.parse().ok().map(Segment::Index));
            rest = after;
        } else if rest.starts_with('"') {
            // A quoted name is a JSON string; what follows it is found by reading exactly one.
            let mut strings = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let Some(Ok(name)) = strings.next() else { break };
            rest = rest.get(strings.byte_offset()..).unwrap_or_default();
            segments.push(Segment::Name(name));
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            segments.push(Segment::Name(name.to_owned()));
            rest = after;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    segments
}

/// A line with something on it.
#[derive(Clone, Copy)]
struct Line<'t> {
    number: usize,
    /// Spaces before the content.
    indent: usize,
    content: &'t str,
}

impl<'t> Line<'t> {
    fn new(number: usize, line: &'t str) -> Option<Self> {
        let content = line.trim_start_matches(' ');
        let is_blank = content.trim().is_empty() || content.starts_with('#') || content.starts_with("---");
        (!is_blank).then_some(Self { number, indent: line.len() - content.len(), content })
    }

    /// The same line as an item's content sees it: after its dash.
    fn after_dash(self) -> Option<Self> {
        let rest = self.content.strip_prefix('-')?;
        let content = rest.trim_start_matches(' ');
        let dash = self.content.len() - content.len();
        (rest.is_empty() || rest.starts_with(' ')).then_some(Self {
            indent: self.indent + dash,
            content,
            ..self
        })
    }

    /// Whether the line begins with this key.
    fn has_key(self, name: &str) -> bool {
        let quoted = serde_json::Value::from(name).to_string();
        [name.to_owned(), quoted, format!("'{name}'")].iter().any(|key| {
            let after = self
                .content
                .strip_prefix(key.as_str())
                .map(str::trim_start)
                .and_then(|rest| rest.strip_prefix(':'));
            after.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    }
}

/// Finds one part in a block; the position, and the lines below it.
fn find<'b, 't>(block: &'b [Line<'t>], segment: &Segment) -> Option<((usize, usize), &'b [Line<'t>])> {
    let indent = block.first()?.indent;
    let is_start = |line: &Line<'_>| line.indent == indent;
    let mut items = 0;
    for (index, line) in block.iter().enumerate() {
        if !is_start(line) {
            continue;
        }
        let matches = match segment {
            Segment::Name(name) => {
                line.has_key(name) || line.after_dash().is_some_and(|line| line.has_key(name))
            }
            Segment::Index(wanted) => {
                let is_item = line.after_dash().is_some();
                items += usize::from(is_item);
                is_item && items == wanted + 1
            }
        };
        if matches {
            let below = block.get(index + 1..).unwrap_or_default();
            // A sequence may stand at the indentation of its key.
            let is_item_below =
                |line: &Line<'_>| matches!(segment, Segment::Name(_)) && line.after_dash().is_some();
            let end =
                below.iter().position(|line| line.indent < indent || is_start(line) && !is_item_below(line));
            let below = below.get(..end.unwrap_or(below.len())).unwrap_or_default();
            // The first key of an item stands on the dash's own line: it has to be looked for there as well.
            let below = if matches!(segment, Segment::Index(_)) {
                block.get(index..=index + below.len())?
            } else {
                below
            };
            return Some(((line.number, line.indent + 1), below));
        }
        if matches!(segment, Segment::Name(_)) && line.after_dash().is_some() && index == 0 {
            // Inside an item: its other keys are indented to where the first one stands.
            let inner = line.after_dash()?.indent;
            let Segment::Name(name) = segment else { continue };
            let at = block.iter().position(|line| line.indent == inner && line.has_key(name))?;
            let line = block.get(at)?;
            let below = block.get(at + 1..).unwrap_or_default();
            let end = below.iter().position(|line| line.indent <= inner).unwrap_or(below.len());
            return Some(((line.number, line.indent + 1), below.get(..end).unwrap_or_default()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# A gateway
providers:
  openai: {timeout: 0s}
  mine:
    preset: opnai

models:
  smart:
    targets:
      - mine/a
      - provider: opneai
        model: b
    aliases: [x]
  \"a.b\": [one, two]
keys:
- id: a
  sha256: zz
- id: b
";

    #[test]
    fn finds_what_is_written_in_blocks() {
        for (path, expected) in [
            ("providers.mine.preset", Some((5, 5))),
            ("providers.openai.timeout", Some((3, 3))),
            ("models.smart.targets[0]", Some((10, 7))),
            ("models.smart.targets[1].provider", Some((11, 7))),
            ("models.smart.targets[1].model", Some((12, 9))),
            ("models.smart.aliases[0]", Some((13, 5))),
            ("models.\"a.b\"[1]", Some((14, 3))),
            ("keys[0].sha256", Some((17, 3))),
            ("keys[1].id", Some((18, 1))),
            ("server.listen", None),
            ("", None),
        ] {
            assert_eq!(locate(TEXT, path), expected, "{path}");
        }
    }

    #[test]
    fn survives_any_text_and_path() {
        for text in ["", "-", "- -", ":", "a", "\t", "- a:\n", "{}", "é: 1\n  - ü"] {
            for path in ["", ".", "[", "[9]", "a[0]", "\"", "a.\"b", "é[0].b"] {
                let _ = locate(text, path);
            }
        }
    }
}
