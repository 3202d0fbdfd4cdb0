//! Reading a `gateway.yaml`.

use crate::config::schema::{Gateway, Key, KeysFile};
use crate::config::{self, A_WORD, Problem};
use serde::de::DeserializeOwned;
use std::path::Path;
use yaml_serde::Value;

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
    parse_keys(&read_text(&path)?).map(Some).map_err(|error| error.describe(&path))
}

/// Reads a file of keys in YAML; one without a line has none.
pub(super) fn parse_keys(text: &str) -> Result<Vec<Key>, LoadError> {
    if is_blank(text) {
        return Ok(Vec::new());
    }
    let file: Result<KeysFile, _> = read(text);
    file.map(|file| file.keys).map_err(|error| match error {
        LoadError::Malformed { mut problem, at } => {
            if problem.path.is_empty() && problem.message.ends_with("an object") {
                problem.message.push_str(" with `keys`");
            }
            LoadError::Malformed { problem, at }
        }
        unreadable @ LoadError::Unreadable(_) => unreadable,
    })
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
    read(text)
}

/// Reads a text that is not blank.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, LoadError> {
    let read = match merged(text) {
        Some(value) => config::read(value),
        None => config::read(yaml_serde::Deserializer::from_str(text)),
    };
    read.map_err(|(mut problem, error)| {
        let at = error.location().map(|location| (location.line(), location.column()));
        if let Some(before) = problem.message.strip_suffix(A_WORD)
            && let Some(words) = words::<T>(text, &problem.path)
        {
            problem.message = format!("{before}{words}");
        }
        if problem.path == "model_list" {
            "belongs to LiteLLM: `tollgate import litellm` makes a gateway.yaml of it"
                .clone_into(&mut problem.message);
        }
        LoadError::Malformed { problem, at }
    })
}

/// A text with merge keys (`<<: *defaults`), merged. Its errors know their field and no line; one that cannot be merged is
/// read as it is, for an error that does.
fn merged(text: &str) -> Option<Value> {
    if !text.contains("<<") {
        return None;
    }
    let mut value: Value = yaml_serde::from_str(text).ok()?;
    value.apply_merge().ok()?;
    Some(value)
}

/// The words that may stand at a place where a list or an object does: YAML's error does not know them, but that of a word
/// that is none of them does.
fn words<T: DeserializeOwned>(text: &str, path: &str) -> Option<String> {
    let mut value: Value = yaml_serde::from_str(text).ok()?;
    *find(&mut value, path)? = Value::String(String::new());
    let read: Result<T, _> = config::read(value);
    let (problem, _) = read.err()?;
    let (_, words) = problem.message.split_once(", expected ")?;
    (problem.path == path).then(|| words.to_owned())
}

/// What stands at a path. A name in it may have dots.
fn find<'v>(value: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    match value {
        _ if path.is_empty() => Some(value),
        Value::Mapping(fields) => fields.iter_mut().find_map(|(name, inner)| {
            let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(name.as_str()?)?;
            if rest.is_empty() || rest.starts_with(['.', '[']) { find(inner, rest) } else { None }
        }),
        Value::Sequence(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            find(items.get_mut(index.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
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
