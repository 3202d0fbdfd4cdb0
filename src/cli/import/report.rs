//! What became of the fields of an imported file.

use std::fmt;

/// What a person has to know after an import. Holds paths and reasons, never values: they may be secrets.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Environment variables to set, and the path of the literal secret that each replaces.
    variables: Vec<(String, String)>,
    /// Fields that were carried over, but mean something else here.
    changed: Vec<(String, String)>,
    /// Fields that were not carried over.
    left: Vec<(String, String)>,
}

impl Report {
    /// A secret stood in the file; it belongs into an environment variable.
    pub(super) fn secret(&mut self, path: &str, variable: &str) {
        self.variables.push((path.to_owned(), format!("set {variable} to the key that stands here")));
    }

    /// A field was carried over, with a difference.
    pub(super) fn changed(&mut self, path: impl Into<String>, how: impl Into<String>) {
        self.changed.push((path.into(), how.into()));
    }

    /// A field was not carried over.
    pub(super) fn left(&mut self, path: impl Into<String>, why: impl Into<String>) {
        self.left.push((path.into(), why.into()));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, lines) in [
            ("Secrets were not copied:", &self.variables),
            ("Carried over with a difference:", &self.changed),
            ("Not carried over:", &self.left),
        ] {
            if !lines.is_empty() {
                writeln!(f, "{title}")?;
                for (path, reason) in lines {
                    writeln!(f, "  {path}: {reason}")?;
                }
            }
        }
        Ok(())
    }
}
