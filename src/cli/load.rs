//! Reading a `gateway.yaml`.

use crate::config::schema::{Gateway, Key, KeysFile};
use crate::config::{self, Problem};
use std::path::Path;

/// Why a file could not be used.
#[derive(Debug)]
pub(super) enum LoadError {
    /// It could not be read at all.
    Unreadable(String),
    /// It is no YAML, or not of the right shape.
    Malformed {
        /// What is wrong with it.
        problem: Problem,
        /// Line and column, counted from 1.
        at: Option<(usize, usize)>,
    },
}

/// Reads a configuration file; `-` is standard input.
pub(super) fn load(path: &Path) -> Result<Gateway, LoadError> {
    let text = read_text(path).map_err(LoadError::Unreadable)?;
    parse(&text)
}

/// The text of a file; `-` is standard input.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let read = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Reads the file of `keys_file`, if the configuration at this path names one.
pub(super) fn load_keys(gateway: &Gateway, config: &Path) -> Result<Option<Vec<Key>>, String> {
    let Some(path) = &gateway.keys_file else { return Ok(None) };
    let path = config.parent().unwrap_or(Path::new("")).join(path);
    parse_keys(&read_text(&path)?).map(Some).map_err(|why| format!("{}: {why}", path.display()))
}

/// Reads a file of keys in YAML; one without a line has none.
pub(super) fn parse_keys(text: &str) -> Result<Vec<Key>, String> {
    if is_blank(text) {
        return Ok(Vec::new());
    }
    let file: KeysFile = yaml_serde::from_str(text).map_err(|error| error.to_string())?;
    Ok(file.keys)
}

/// Whether there is nothing in a YAML file.
fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// Reads a configuration in YAML.
pub(super) fn parse(text: &str) -> Result<Gateway, LoadError> {
    // An empty file is a null document; a gateway without a line is still a mapping, and fails later with a reason.
    if is_blank(text) {
        return Ok(Gateway::default());
    }
    config::read(yaml_serde::Deserializer::from_str(text)).map_err(|(problem, error)| {
        let at = error.location().map(|location| (location.line(), location.column()));
        LoadError::Malformed { problem, at }
    })
}

impl LoadError {
    /// The lines to print, for a file of this name.
    pub(super) fn describe(&self, file: &Path) -> String {
        match self {
            Self::Unreadable(message) => message.clone(),
            Self::Malformed { problem, at: Some((line, column)) } => {
                format!("{}:{line}:{column}: {problem}", file.display())
            }
            Self::Malformed { problem, at: None } => format!("{}: {problem}", file.display()),
        }
    }
}
