//! `tollgate key`: mints, lists and revokes client keys.

mod file;

use crate::config::schema::Key;
use crate::config::{Problem, keys_file};
use clap::{Args, Subcommand};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Client keys.
#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Mint a key: it is printed once, and only its SHA-256 is kept
    New(NewArgs),
    /// Take a key out of a file: it is refused as soon as that is rendered
    Revoke {
        /// The file of `keys_file`
        #[arg(long, short)]
        file: PathBuf,
        /// Identifier of the key
        id: String,
    },
    /// Show the keys of a file
    List {
        /// The file of `keys_file`
        #[arg(long, short)]
        file: PathBuf,
    },
}

/// Arguments of `key new`.
#[derive(Debug, Args)]
struct NewArgs {
    /// Identifier, shown in the audit line
    #[arg(long, default_value = "client")]
    id: String,
    /// Who pays: a label of metrics and audit
    #[arg(long)]
    tenant: Option<String>,
    /// The team within the tenant
    #[arg(long)]
    team: Option<String>,
    /// The project within the team
    #[arg(long)]
    project: Option<String>,
    /// The models it may use, with commas between them: names, aliases, and patterns with one `*` [default: all]
    #[arg(long, value_delimiter = ',', value_name = "MODELS")]
    models: Option<Vec<String>>,
    /// The moment from which it is refused: a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z
    #[arg(long, value_name = "MOMENT")]
    expires: Option<String>,
    /// Add it to this file, the one of `keys_file`, rather than print what to add
    #[arg(long, short)]
    file: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &KeyArgs) -> ExitCode {
    let result = match &args.command {
        KeyCommand::New(args) => new(args),
        KeyCommand::Revoke { file, id } => revoke(file, id),
        KeyCommand::List { file } => list(file),
    };
    match result {
        Ok(text) => super::print(&text),
        Err(message) => super::fail(&message),
    }
}

fn new(args: &NewArgs) -> Result<String, String> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| format!("this system gave no randomness: {error}"))?;
    let secret = format!("tg-{}", hex(&random));
    let key = Key {
        id: args.id.clone(),
        sha256: hash(&secret),
        tenant: args.tenant.clone(),
        team: args.team.clone(),
        project: args.project.clone(),
        models: args.models.clone(),
        expires: args.expires.clone(),
        ..Key::default()
    };
    check(&key)?;
    let entry = file::entry(&key)?;
    let head = "# The key, for the client. It is shown this once and stored nowhere:\n";
    match &args.file {
        None => Ok(format!("{head}{secret}\n\n# For gateway.yaml:\nkeys:\n  - {entry}\n")),
        Some(path) => {
            file::add(path, &key)?;
            Ok(format!("{head}{secret}\n"))
        }
    }
}

fn revoke(path: &Path, id: &str) -> Result<String, String> {
    file::remove(path, id)?;
    Ok(format!("{id} is out of {}; render to have it refused\n", path.display()))
}

/// One line a key, in columns.
fn list(path: &Path) -> Result<String, String> {
    let keys = file::read(path)?;
    let row = |key: &Key| {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let state = if key.disabled { "disabled".to_owned() } else { or_none(&key.expires) };
        let models = key.models.as_ref().map_or_else(|| "*".to_owned(), |models| models.join(","));
        [key.id.clone(), or_none(&key.tenant), or_none(&key.team), or_none(&key.project), state, models]
    };
    let head = ["ID", "TENANT", "TEAM", "PROJECT", "EXPIRES", "MODELS"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(keys.iter().map(row)).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Ok(text)
}

/// Whether a key would be taken.
fn check(key: &Key) -> Result<(), String> {
    let problem = |problem: &Problem| {
        let field = problem.path.split_once('.').map_or(&*problem.path, |(_, field)| field);
        format!("--{field}: {}", problem.message)
    };
    let json = json!({ "keys": [key] }).to_string();
    keys_file(json.as_bytes())
        .map(drop)
        .map_err(|problems| problems.iter().map(problem).collect::<Vec<_>>().join("\nerror: "))
}

/// SHA-256 of a key, in hex, as `keys[].sha256` wants it.
pub(super) fn hash(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_the_standard_says() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
