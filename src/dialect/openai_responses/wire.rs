//! The objects of the wire that requests, answers and streams share. What an item or a part holds depends on its type,
//! so both are found raw first and read by their type afterwards.

use crate::wire::json::{Text, TextOr, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// What tells the items apart. A message needs no type, a reference neither.
    pub(super) light struct Head<'a> {
        kind: Text<'a> = "type",
        role: Text<'a> = "role",
        pub(super) id: Text<'a> = "id",
    }
}

impl<'a> Head<'a> {
    /// The item's type, also where it goes without saying.
    pub(super) fn kind(&self) -> Text<'a> {
        match &self.kind {
            Some(kind) => kind.clone(),
            None if self.role.is_some() => Text::plain("message"),
            None if self.id.is_some() => Text::plain("item_reference"),
            None => Text::default(),
        }
    }
}

wire_object! {
    /// A message of any role.
    pub(super) struct Message<'a> {
        pub(super) kind: &'a RawValue = "type",
        pub(super) role: Text<'a> = "role",
        pub(super) content: TextOr<'a, Vec<&'a RawValue>> = "content",
        pub(super) id: &'a RawValue = "id",
        pub(super) status: &'a RawValue = "status",
        pub(super) phase: &'a RawValue = "phase",
    }
}

wire_object! {
    /// A thought.
    pub(super) struct Reasoning<'a> {
        pub(super) kind: &'a RawValue = "type",
        pub(super) summary: &'a RawValue = "summary",
        pub(super) content: &'a RawValue = "content",
        pub(super) encrypted_content: Text<'a> = "encrypted_content",
        pub(super) id: &'a RawValue = "id",
        pub(super) status: &'a RawValue = "status",
    }
}

wire_object! {
    /// A piece of a thought.
    pub(super) struct Fragment<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) text: Text<'a> = "text",
    }
}

wire_object! {
    /// The call of a function.
    pub(super) struct Call<'a> {
        pub(super) kind: &'a RawValue = "type",
        pub(super) call_id: Text<'a> = "call_id",
        pub(super) name: Text<'a> = "name",
        pub(super) arguments: TextOr<'a, &'a RawValue> = "arguments",
        pub(super) id: &'a RawValue = "id",
        pub(super) status: &'a RawValue = "status",
    }
}

wire_object! {
    /// The call of a custom tool.
    pub(super) struct CustomCall<'a> {
        pub(super) kind: &'a RawValue = "type",
        pub(super) call_id: Text<'a> = "call_id",
        pub(super) name: Text<'a> = "name",
        pub(super) input: Text<'a> = "input",
        pub(super) id: &'a RawValue = "id",
        pub(super) status: &'a RawValue = "status",
    }
}

wire_object! {
    /// What a function or a custom tool said.
    pub(super) struct CallOutput<'a> {
        pub(super) kind: &'a RawValue = "type",
        pub(super) call_id: Text<'a> = "call_id",
        pub(super) output: TextOr<'a, Vec<&'a RawValue>> = "output",
        pub(super) id: &'a RawValue = "id",
        pub(super) status: &'a RawValue = "status",
    }
}

wire_object! {
    /// A part of a message's content.
    pub(super) struct Part<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) text: Text<'a> = "text",
        pub(super) refusal: Text<'a> = "refusal",
        pub(super) annotations: &'a RawValue = "annotations",
        pub(super) logprobs: &'a RawValue = "logprobs",
        pub(super) image_url: Text<'a> = "image_url",
        pub(super) detail: Text<'a> = "detail",
        pub(super) file_id: Text<'a> = "file_id",
        pub(super) file_url: Text<'a> = "file_url",
        pub(super) file_data: Text<'a> = "file_data",
        pub(super) filename: Text<'a> = "filename",
    }
}
