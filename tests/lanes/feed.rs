//! Streams fed to a lane in pieces.

use tollgate::dialect::Dialect;
use tollgate::dialect::lane::{AnswerPlan, Pass, Progress, Stream};

/// Runs a stream through a lane, cut into pieces of `size` bytes.
pub(crate) fn run(plan: &AnswerPlan, stream: &[u8], size: usize) -> (String, Progress) {
    pieces(plan, stream.chunks(size.max(1)))
}

/// Runs a stream through a lane, cut at these places.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn run_cut(plan: &AnswerPlan, stream: &[u8], cuts: &[usize]) -> (String, Progress) {
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([stream.len()]);
    pieces(plan, starts.zip(ends).map(|(from, to)| &stream[from..to]))
}

fn pieces<'s>(plan: &AnswerPlan, pieces: impl Iterator<Item = &'s [u8]>) -> (String, Progress) {
    let mut lane = Stream::new(plan);
    let mut out = Vec::new();
    for piece in pieces {
        if lane.push(piece, &mut out) == Pass::AsIs {
            out.extend_from_slice(piece);
        }
    }
    lane.end(&mut out);
    (text(plan.client, out), lane.progress())
}

/// A client's stream as text; frames become lines.
pub(crate) fn text(client: Dialect, stream: Vec<u8>) -> String {
    match client {
        Dialect::Bedrock => crate::frames::lines(&stream),
        _ => String::from_utf8(stream).expect("a stream is text"),
    }
}
