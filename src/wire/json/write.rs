//! Writing JSON by appending to one buffer. The closures close what they open, so the result is always well formed.

use super::{Extra, Text, write_string};
use serde_json::value::RawValue;

/// Appends an object; `fill` writes its fields.
pub fn object<R>(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>) -> R) -> R {
    out.push(b'{');
    let result = fill(&mut Object { out, first: true });
    out.push(b'}');
    result
}

/// Appends an array; `fill` writes its items.
pub fn array<R>(out: &mut Vec<u8>, fill: impl FnOnce(&mut Array<'_>) -> R) -> R {
    out.push(b'[');
    let result = fill(&mut Array { out, first: true });
    out.push(b']');
    result
}

/// Appends a whole number.
pub fn write_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a number in its shortest form; JSON has no word for infinity and NaN, they become `null`.
pub fn write_f64(out: &mut Vec<u8>, number: f64) {
    // Cannot fail: a Vec takes every write, and a float has no error of its own.
    let _ = serde_json::to_writer(out, &number);
}

/// An object being written.
#[derive(Debug)]
pub struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl Object<'_> {
    /// Writes the key; the caller appends exactly one value.
    pub fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        write_string(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// A string.
    pub fn str(&mut self, key: &str, value: &str) {
        write_string(self.key(key), value);
    }

    /// A string that is ASCII without quotes or backslashes (types, roles, finish reasons): not scanned.
    pub fn word(&mut self, key: &'static str, value: &'static str) {
        let out = self.key(key);
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    }

    /// A text.
    pub fn text(&mut self, key: &str, value: &Text<'_>) {
        value.write_json(self.key(key));
    }

    /// A whole number.
    pub fn u64(&mut self, key: &str, value: u64) {
        write_u64(self.key(key), value);
    }

    /// A number.
    pub fn f64(&mut self, key: &str, value: f64) {
        write_f64(self.key(key), value);
    }

    /// A truth value.
    pub fn bool(&mut self, key: &str, value: bool) {
        self.key(key).extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// `null`.
    pub fn null(&mut self, key: &str) {
        self.key(key).extend_from_slice(b"null");
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, key: &str, value: &RawValue) {
        self.key(key).extend_from_slice(value.get().as_bytes());
    }

    /// An object.
    pub fn object<R>(&mut self, key: &str, fill: impl FnOnce(&mut Object<'_>) -> R) -> R {
        object(self.key(key), fill)
    }

    /// An array.
    pub fn array<R>(&mut self, key: &str, fill: impl FnOnce(&mut Array<'_>) -> R) -> R {
        array(self.key(key), fill)
    }

    /// Members as they stand in an object, without its braces; nothing where the text is empty.
    pub fn members(&mut self, members: &str) {
        if members.is_empty() {
            return;
        }
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(members.as_bytes());
    }

    /// Unknown fields, as they came.
    pub fn extra(&mut self, extra: &Extra<'_>) {
        for (key, value) in extra {
            self.raw(key, value);
        }
    }
}

/// An array being written.
#[derive(Debug)]
pub struct Array<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl Array<'_> {
    /// Starts an item; the caller appends exactly one value.
    pub fn item(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.first
    }

    /// A string.
    pub fn str(&mut self, value: &str) {
        write_string(self.item(), value);
    }

    /// A text.
    pub fn text(&mut self, value: &Text<'_>) {
        value.write_json(self.item());
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, value: &RawValue) {
        self.item().extend_from_slice(value.get().as_bytes());
    }

    /// An object.
    pub fn object<R>(&mut self, fill: impl FnOnce(&mut Object<'_>) -> R) -> R {
        object(self.item(), fill)
    }

    /// An array.
    pub fn array<R>(&mut self, fill: impl FnOnce(&mut Array<'_>) -> R) -> R {
        array(self.item(), fill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_nests_and_is_separated() {
        let mut out = Vec::new();
        object(&mut out, |o| {
            o.str("s", "a\"b");
            o.word("w", "tool");
            o.text("t", &Text::plain("x"));
            o.u64("n", 7);
            o.f64("f", 0.1);
            o.f64("inf", f64::INFINITY);
            o.bool("b", false);
            o.null("z");
            o.raw("r", &RawValue::from_string("[1, 2]".into()).unwrap());
            o.array("e", |_| ());
            o.object("k", |_| ());
            o.array("a", |a| {
                assert!(a.is_empty());
                a.str("q");
                a.object(|o| o.u64("i", 1));
                a.array(|_| ());
                assert!(!a.is_empty());
            });
        });
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"s":"a\"b","w":"tool","t":"x","n":7,"f":0.1,"inf":null,"b":false,"z":null,"r":[1, 2],"e":[],"k":{},"a":["q",{"i":1},[]]}"#
        );
    }
}
