//! Writing files so that nobody ever reads half of one.

use std::fs;
use std::io::Write;
use std::path::Path;

/// Replaces a file in one step; one that would not change is left alone. Gives whether there was another one before.
pub(super) fn replace(path: &Path, text: &str) -> Result<bool, String> {
    let known = fs::read(path).ok();
    if known.as_deref() == Some(text.as_bytes()) {
        return Ok(false);
    }
    renew(path, text).map(|()| known.is_some())
}

/// Puts a file in the place of another one in one step, also where it says the same: whoever watches it looks again.
pub(super) fn renew(path: &Path, text: &str) -> Result<(), String> {
    let explain = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // Nothing is left behind; that it could not be removed either adds nothing to the error.
        let _ = fs::remove_file(&temporary);
        explain(error)
    })
}
