//! AWS event streams (`application/vnd.amazon.eventstream`): binary frames of headers and a payload, each with two
//! checksums.
//!
//! One frame: total length (4 bytes, big-endian), length of the headers (4), CRC-32 of these eight bytes (4), headers,
//! payload, CRC-32 of everything before it (4). The format is that of the public event stream specification of AWS's
//! SDKs (Smithy, `aws.protocols` "Amazon Event Stream").

mod frame;
mod framer;

pub use frame::{Frame, write_frame};
pub use framer::{BadFrame, Framer, MAX_FRAME};
