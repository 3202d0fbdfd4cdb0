//! What the audit log says of the run.

use crate::exchange::{ANTHROPIC_KEY, CLIENT_KEY, INPUT_TOKENS, OPENAI_KEY, OUTPUT_TOKENS};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the last lines may take to be written.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all lines say together.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// Lines in all.
    pub(crate) lines: u64,
    /// Lines without an audit object.
    pub(crate) empty: u64,
    /// Lines that repeat a request's id.
    pub(crate) repeated: u64,
    /// Lines that hold a key.
    pub(crate) leaks: u64,
    /// Lines by the model that was asked for.
    pub(crate) models: BTreeMap<String, ModelLines>,
    /// Lines by the status of their usage.
    pub(crate) usage: BTreeMap<String, u64>,
    /// The first line that could not be read.
    pub(crate) unreadable: Option<String>,
}

/// The lines of one model.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct ModelLines {
    pub(crate) count: u64,
    /// Of those, how many hold the counts that the provider reported, as complete.
    pub(crate) complete: u64,
    /// How many hold some counts, complete or not.
    pub(crate) counted: u64,
}

#[derive(Deserialize)]
struct Line {
    request_id: Option<String>,
    model_asked: Option<String>,
    usage_status: Option<String>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Usage {
    input: Option<u64>,
    output: Option<u64>,
}

/// Reads the log once it has stopped growing, or has had the time to.
pub(crate) async fn read(path: &Path) -> Result<Audit> {
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = None;
    // Envoy writes once a second.
    while Instant::now() < deadline {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
        if bytes.replace(now) == Some(now) {
            break;
        }
    }
    read_now(path)
}

fn read_now(path: &Path) -> Result<Audit> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let (mut audit, mut ids) = (Audit::default(), HashSet::new());
    for line in BufReader::new(file).lines() {
        audit.take(&line?, &mut ids);
    }
    Ok(audit)
}

impl Audit {
    fn take(&mut self, line: &str, ids: &mut HashSet<String>) {
        self.lines += 1;
        if [CLIENT_KEY, OPENAI_KEY, ANTHROPIC_KEY].iter().any(|key| line.contains(key)) {
            self.leaks += 1;
        }
        if !line.starts_with('{') {
            self.empty += 1;
            return;
        }
        let line: Line = match serde_json::from_str(line) {
            Ok(line) => line,
            Err(error) => {
                self.unreadable.get_or_insert_with(|| format!("{error}: {line}"));
                return;
            }
        };
        if line.request_id.is_some_and(|id| !ids.insert(id)) {
            self.repeated += 1;
        }
        let status = line.usage_status.unwrap_or_else(|| "none".to_owned());
        if let Some(model) = line.model_asked {
            let lines = self.models.entry(model).or_default();
            lines.count += 1;
            lines.counted += u64::from(line.usage.is_some() && status != "missing");
            let right = line.usage.is_some_and(|usage| {
                (usage.input, usage.output) == (Some(INPUT_TOKENS), Some(OUTPUT_TOKENS))
            });
            lines.complete += u64::from(right && status == "complete");
        }
        *self.usage.entry(status).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_model_and_usage() {
        let (mut audit, mut ids) = (Audit::default(), HashSet::new());
        let good = format!(
            r#"{{"request_id":"a","model_asked":"m","usage_status":"complete","usage":{{"input":{INPUT_TOKENS},"output":{OUTPUT_TOKENS}}}}}"#
        );
        audit.take(&good, &mut ids);
        audit.take(&good, &mut ids);
        audit.take(r#"{"request_id":"b","model_asked":"m","usage_status":"partial"}"#, &mut ids);
        audit.take("-", &mut ids);
        audit.take(&format!(r#"{{"error":"{CLIENT_KEY}"}}"#), &mut ids);
        assert_eq!((audit.lines, audit.empty, audit.repeated, audit.leaks), (5, 1, 1, 1));
        let lines = audit.models.get("m").unwrap();
        assert_eq!((lines.count, lines.complete, lines.counted), (3, 2, 2));
    }
}
