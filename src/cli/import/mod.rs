//! `tollgate import`: another gateway's configuration becomes a `gateway.yaml`, and what could not be carried over is
//! listed by name.

mod fields;
mod litellm;
mod report;
mod yaml;

use clap::{Args, Subcommand};
use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// The config.yaml of a LiteLLM proxy
    Litellm {
        /// The file; `-` is standard input
        file: PathBuf,
        /// Write here instead of standard output
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
}

/// Runs the command.
pub(super) fn run(args: &ImportArgs) -> ExitCode {
    let From::Litellm { file, out } = &args.from;
    match import(file) {
        Ok((text, report)) => {
            let written = match out {
                Some(out) => super::replace::replace(out, &text)
                    .map_or_else(|message| super::fail(&message), |_| ExitCode::SUCCESS),
                None => super::print(&text),
            };
            eprint!("{report}");
            written
        }
        Err(message) => super::fail(&message),
    }
}

/// Reads and converts; the text of the new file, and the report.
fn import(file: &Path) -> Result<(String, Report), String> {
    let text = super::load::read_text(file)?;
    let (source, twice) = yaml::read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut report = Report::default();
    for path in twice {
        report.changed(path, "is written more than once: the last one counts, as in LiteLLM");
    }
    let (gateway, report) = litellm::convert(source, report, &|name| std::env::var(name).ok())?;
    let body = yaml_serde::to_string(&gateway).map_err(|error| format!("cannot write YAML: {error}"))?;
    let head = "# yaml-language-server: $schema=gateway.schema.json\n\
                # Imported from a LiteLLM configuration; `tollgate check` says what is still missing.\n";
    Ok((format!("{head}{body}"), report))
}
