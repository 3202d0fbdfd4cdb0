//! The dialects' codecs behind one name each: plain functions and enums, chosen by [`Dialect`].

use super::{Dialect, with_dialects};
use crate::chat::{ChatRequest, ChatResponse, Event, EventSink, Failure, Losses};
use crate::dialect::lane::{AnswerPlan, Ask, AttemptNote, Encoded};

macro_rules! codecs {
    ($($(#[$meta:meta])* $variant:ident $name:literal $($module:ident)::+;)+) => {
        /// Reads a client's request.
        ///
        /// # Errors
        /// 400 that names the field.
        pub fn decode_request(dialect: Dialect, body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
            match dialect {
                $(Dialect::$variant => super::$($module)::+::decode_request(body),)+
            }
        }

        /// Writes a request for a provider.
        ///
        /// # Errors
        /// 400 that names what the provider cannot take, where such fields are refused.
        pub fn encode_request(
            dialect: Dialect,
            request: &ChatRequest<'_>,
            ask: &Ask<'_>,
            losses: &mut Losses,
        ) -> Result<Encoded, Failure> {
            match dialect {
                $(Dialect::$variant => super::$($module)::+::encode_request(request, ask, losses),)+
            }
        }

        /// Reads a provider's answer.
        ///
        /// # Errors
        /// An empty or malformed body, or an error object in place of an answer.
        pub fn decode_response(dialect: Dialect, body: &[u8]) -> Result<ChatResponse<'_>, Failure> {
            match dialect {
                $(Dialect::$variant => super::$($module)::+::decode_response(body),)+
            }
        }

        /// Writes an answer for the plan's client.
        pub fn encode_response(
            response: &ChatResponse<'_>,
            plan: &AnswerPlan,
            losses: &mut Losses,
        ) -> Vec<u8> {
            match plan.client {
                $(Dialect::$variant => super::$($module)::+::encode_response(response, plan, losses),)+
            }
        }

        /// Appends the body of an error answer in the client's envelope.
        pub fn write_failure(
            client: Dialect,
            failure: &Failure,
            attempts: &[AttemptNote],
            request_id: &str,
            out: &mut Vec<u8>,
        ) {
            match client {
                $(Dialect::$variant => super::$($module)::+::write_failure(failure, attempts, request_id, out),)+
            }
        }

        /// Appends the event that ends a client's stream with an error.
        pub fn write_failure_event(client: Dialect, failure: &Failure, out: &mut Vec<u8>) {
            match client {
                $(Dialect::$variant => super::$($module)::+::write_failure_event(failure, out),)+
            }
        }

        /// A provider's stream becomes events.
        #[derive(Debug)]
        pub enum StreamDecoder {
            $(
                #[doc = concat!("Of `", $name, "`.")]
                $variant(super::$($module)::+::StreamDecoder),
            )+
        }

        impl StreamDecoder {
            /// A decoder at the beginning of a stream.
            pub fn new(dialect: Dialect) -> Self {
                match dialect {
                    $(Dialect::$variant => Self::$variant(super::$($module)::+::StreamDecoder::new()),)+
                }
            }

            /// Takes the next bytes, however they are cut.
            pub fn push<S: EventSink>(&mut self, chunk: &[u8], sink: &mut S) {
                match self {
                    $(Self::$variant(decoder) => decoder.push(chunk, sink),)+
                }
            }

            /// The connection was closed.
            pub fn end<S: EventSink>(&mut self, sink: &mut S) {
                match self {
                    $(Self::$variant(decoder) => decoder.end(sink),)+
                }
            }
        }

        /// Events become a client's stream.
        #[derive(Debug)]
        pub enum StreamEncoder {
            $(
                #[doc = concat!("Of `", $name, "`.")]
                $variant(super::$($module)::+::StreamEncoder),
            )+
        }

        impl StreamEncoder {
            /// An encoder for the plan's client.
            pub fn new(plan: &AnswerPlan) -> Self {
                match plan.client {
                    $(Dialect::$variant => Self::$variant(super::$($module)::+::StreamEncoder::new(plan)),)+
                }
            }

            /// Appends what an event is in the client's words.
            pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant(encoder) => encoder.event(event, out),)+
                }
            }
        }
    };
}
with_dialects!(codecs);
