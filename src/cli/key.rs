//! `tollgate key new`: mints a client key.

use clap::{Args, Subcommand};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;
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
    New {
        /// Identifier, shown in the audit line
        #[arg(long, default_value = "client")]
        id: String,
        /// Who pays: a label of metrics and audit
        #[arg(long)]
        tenant: Option<String>,
    },
}

/// Runs the command.
pub(super) fn run(args: &KeyArgs) -> ExitCode {
    let KeyCommand::New { id, tenant } = &args.command;
    let mut random = [0; 32];
    if let Err(error) = getrandom::fill(&mut random) {
        return super::fail(&format!("this system gave no randomness: {error}"));
    }
    let key = format!("tg-{}", hex(&random));
    let quoted = |text: &str| Value::from(text).to_string();
    let mut entry = format!("id: {}, sha256: {}", quoted(id), hash(&key));
    if let Some(tenant) = tenant {
        // Writing to a String cannot fail.
        let _ = write!(entry, ", tenant: {}", quoted(tenant));
    }
    super::print(&format!(
        "# The key, for the client. It is shown this once and stored nowhere:\n{key}\n\n\
         # For gateway.yaml:\nkeys:\n  - {{ {entry} }}\n"
    ))
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
