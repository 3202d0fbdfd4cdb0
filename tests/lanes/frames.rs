//! Event-stream frames as text.

use tollgate::wire::eventstream::Framer;

/// A stream of frames as lines of JSON, one an event.
pub(crate) fn lines(bytes: &[u8]) -> String {
    let (mut framer, mut rest, mut lines) = (Framer::default(), bytes, String::new());
    while let Some(frame) = framer.next(&mut rest).expect("frames") {
        let name = frame.header(":event-type").or(frame.header(":exception-type")).unwrap();
        let payload = std::str::from_utf8(frame.payload).unwrap();
        lines.extend(["{\"", name, "\":", payload, "}\n"]);
    }
    assert!(!framer.is_cut());
    lines
}
