//! The client keys of a file: they come on their own, and may change while nothing else does.

use super::host::Host;
use super::worker::Worker;
use crate::config::tables::{Keys, Tables};
use crate::config::{Problem, keys_file};
use std::rc::Rc;

/// Where they are in shared data.
const FILED_KEYS: &str = "tollgate.keys";

impl Worker {
    /// Takes over the keys of a file that came on its own, as JSON, and shows them to the machines that are still to
    /// come. Bad ones change nothing.
    pub fn take_keys(&self, host: &impl Host, json: &[u8]) -> Result<usize, Vec<Problem>> {
        let keys = keys_file(json)?;
        let number = keys.len();
        self.filed_keys.replace(Some(Rc::new(keys)));
        let (shown, version) = host.shared(FILED_KEYS);
        // Every worker is told of the same file; whoever comes first shows it.
        if shown.as_deref() != Some(json) {
            host.share(FILED_KEYS, json, version);
        }
        Ok(number)
    }

    /// The keys of the file; `None` when they have not come. A machine that was built afresh, after a trap or because the
    /// edge alone was configured anew, was not told of them: it finds what the one before it was told.
    pub fn filed_keys(&self, host: &impl Host) -> Option<Rc<Keys>> {
        if let Some(keys) = self.filed_keys.borrow().as_ref() {
            return Some(Rc::clone(keys));
        }
        let keys = Rc::new(keys_file(&host.shared(FILED_KEYS).0?).ok()?);
        self.filed_keys.replace(Some(Rc::clone(&keys)));
        Some(keys)
    }

    /// The same for a configuration: `None` where it has no file.
    pub(super) fn filed_keys_of(&self, host: &impl Host, tables: &Tables) -> Option<Rc<Keys>> {
        if tables.access.has_file { self.filed_keys(host) } else { None }
    }
}
