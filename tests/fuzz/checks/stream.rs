//! Streams through every lane.

use super::framers::framed;
use super::{cuts, dialect_of, output_bound, pieces};
use tollgate::dialect::Dialect;
use tollgate::dialect::lane::{AnswerPlan, Pass, Progress, Report, Stream};

pub(crate) fn check(input: &[u8]) {
    let Some((provider, stream)) = dialect_of(input) else { return };
    translated(provider, stream);
    if provider == Dialect::Bedrock {
        translated(provider, &framed(stream));
    }
}

fn translated(provider: Dialect, stream: &[u8]) {
    let cuts = cuts(stream);
    for client in Dialect::ALL {
        let plan = AnswerPlan { capture: true, ..AnswerPlan::new(*client, provider, true, false) };
        let whole = run(&plan, stream, &[]);
        assert!(whole.0.len() <= output_bound(stream.len()), "{} bytes", whole.0.len());
        for cuts in &cuts {
            let cut = run(&plan, stream, cuts);
            assert_eq!(
                String::from_utf8_lossy(&cut.0),
                String::from_utf8_lossy(&whole.0),
                "{} cut at {cuts:?}",
                client.as_str()
            );
            assert_eq!((cut.1, cut.2, cut.3), (whole.1, whole.2.clone(), whole.3.clone()), "cut at {cuts:?}");
        }
    }
}

/// What the client gets, where the stream stands, what it says of itself and what was captured of it.
fn run(plan: &AnswerPlan, stream: &[u8], cuts: &[usize]) -> (Vec<u8>, Progress, Report, Option<String>) {
    let mut lane = Stream::new(plan);
    let mut out = Vec::new();
    pieces(stream, cuts, |piece| {
        if lane.push(piece, &mut out) == Pass::AsIs {
            out.extend_from_slice(piece);
        }
    });
    lane.end(&mut out);
    (out, lane.progress(), lane.report().clone(), lane.transcript())
}
