//! One JSON array, read item by item as its bytes arrive: how Gemini streams without server-sent events.

/// Longest item, in bytes, that may be pieced together over several chunks. As for an event of an event stream: one
/// item can hold a picture in base64; more than this is no stream of answers.
pub const MAX_ITEM: usize = 16 << 20;

/// Deepest nesting of an item. The reader of an item gives up far earlier.
const MAX_DEPTH: u32 = 100_000;

/// Why an array cannot be followed any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadArray {
    /// An item went over [`MAX_ITEM`].
    TooLong,
    /// Something stands between the items that does not belong there.
    Malformed,
}

/// Cuts an array of objects into its items. Items that arrive whole are borrowed from the chunk; only one that is cut
/// by a chunk's end is copied.
#[derive(Debug, Default)]
pub struct Framer {
    carry: Vec<u8>,
    /// The carry was handed out and is to be emptied.
    carry_done: bool,
    place: Place,
    depth: u32,
    string: Literal,
}

/// Where the bytes so far end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// Before the opening bracket.
    #[default]
    Before,
    /// In the array, outside of an item.
    Between,
    /// Within an item.
    Item,
    /// After the closing bracket.
    After,
}

/// Whether the bytes so far end within a string of the item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Literal {
    #[default]
    No,
    Yes,
    /// After a backslash.
    Escape,
}

impl Framer {
    /// The next item that ends in `chunk`, which is advanced past it. When there is none, an unfinished item is kept,
    /// `chunk` is empty, and the answer is `None`: call again with the next chunk.
    ///
    /// # Errors
    /// See [`BadArray`].
    pub fn next<'s, 'c: 's>(&'s mut self, chunk: &mut &'c [u8]) -> Result<Option<&'s [u8]>, BadArray> {
        if std::mem::take(&mut self.carry_done) {
            self.carry.clear();
        }
        if self.place != Place::Item && !self.seek(chunk)? {
            return Ok(None);
        }
        let Some(end) = self.find_end(chunk)? else {
            if self.carry.len().saturating_add(chunk.len()) > MAX_ITEM {
                return Err(BadArray::TooLong);
            }
            self.carry.extend_from_slice(chunk);
            *chunk = &[];
            return Ok(None);
        };
        let (item, rest) = chunk.split_at_checked(end).unwrap_or((chunk, &[]));
        *chunk = rest;
        self.place = Place::Between;
        if self.carry.is_empty() {
            return Ok(Some(item));
        }
        self.carry.extend_from_slice(item);
        self.carry_done = true;
        Ok(Some(&self.carry))
    }

    /// Whether the closing bracket has come.
    pub fn is_closed(&self) -> bool {
        self.place == Place::After
    }

    /// Skips what stands between items. Whether an item begins.
    fn seek(&mut self, chunk: &mut &[u8]) -> Result<bool, BadArray> {
        while let Some((&byte, rest)) = chunk.split_first() {
            match (self.place, byte) {
                (_, b' ' | b'\t' | b'\r' | b'\n') | (Place::Between, b',') => {}
                (Place::Before, b'[') => self.place = Place::Between,
                (Place::Between, b']') => self.place = Place::After,
                (Place::Between, b'{') => {
                    self.place = Place::Item;
                    return Ok(true);
                }
                _ => return Err(BadArray::Malformed),
            }
            *chunk = rest;
        }
        Ok(false)
    }

    /// The offset just after the brace that ends the item, if the chunk holds it.
    fn find_end(&mut self, chunk: &[u8]) -> Result<Option<usize>, BadArray> {
        let mut at = 0_usize;
        while let Some(&byte) = chunk.get(at) {
            match (self.string, byte) {
                (Literal::Yes, b'\\') => self.string = Literal::Escape,
                (Literal::Yes, b'"') => self.string = Literal::No,
                (Literal::Yes, _) => {
                    // Texts are long: the next byte that matters is looked for at once.
                    let rest = chunk.get(at..).unwrap_or_default();
                    at = at.saturating_add(memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len()));
                    continue;
                }
                (Literal::Escape, _) | (Literal::No, b'"') => self.string = Literal::Yes,
                (Literal::No, b'{' | b'[') => {
                    self.depth = self.depth.saturating_add(1);
                    if self.depth > MAX_DEPTH {
                        return Err(BadArray::Malformed);
                    }
                }
                (Literal::No, b'}' | b']') => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Ok(Some(at.saturating_add(1)));
                    }
                }
                (Literal::No, _) => {}
            }
            at = at.saturating_add(1);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stream: &[u8], size: usize) -> (Vec<String>, Result<bool, BadArray>) {
        let (mut framer, mut items) = (Framer::default(), Vec::new());
        for mut piece in stream.chunks(size) {
            loop {
                match framer.next(&mut piece) {
                    Ok(Some(item)) => items.push(String::from_utf8(item.to_vec()).unwrap()),
                    Ok(None) => break,
                    Err(error) => return (items, Err(error)),
                }
            }
        }
        (items, Ok(framer.is_closed()))
    }

    #[test]
    fn items_are_cut_out_however_the_bytes_come() {
        let stream = "[{\"a\":\"]}\\\"é{\"}\r\n,\r\n{\"b\":[{},[1]],\"c\":{}} , {}\n]\n".as_bytes();
        let items = vec!["{\"a\":\"]}\\\"é{\"}".to_owned(), "{\"b\":[{},[1]],\"c\":{}}".into(), "{}".into()];
        for size in 1..=stream.len() {
            assert_eq!(run(stream, size), (items.clone(), Ok(true)), "pieces of {size}");
        }
        assert_eq!(run(b"[{\"a\":1},{\"b\"", 5), (vec!["{\"a\":1}".to_owned()], Ok(false)));
        assert_eq!(run(b"[]", 1), (vec![], Ok(true)));
    }

    #[test]
    fn what_is_no_array_of_objects_is_refused() {
        for stream in ["{}", "[1]", "[{}]x", "[\"a\"]", "[[{}]]"] {
            assert_eq!(run(stream.as_bytes(), 1).1, Err(BadArray::Malformed), "{stream}");
        }
        let endless = [b"[{\"a\":\"".to_vec(), vec![b'x'; MAX_ITEM + 1]].concat();
        assert_eq!(run(&endless, 1 << 20).1, Err(BadArray::TooLong));
        let deep = [b"[{\"a\":".to_vec(), vec![b'['; MAX_DEPTH as usize + 1]].concat();
        assert_eq!(run(&deep, 1 << 20).1, Err(BadArray::Malformed));
    }
}
