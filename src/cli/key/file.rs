//! A file of keys, changed in place: what people wrote around the keys, comments above all, stays.
//!
//! A change is made to the lines and then read back. Where that does not give what was wanted (the file may be written in
//! any way that YAML allows) nothing is changed, and the person is told.

use crate::cli::load::parse_keys;
use crate::cli::replace::replace;
use crate::config::schema::Key;
use serde_json::Value;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

/// A key as one entry of the list, in one line.
pub(super) fn entry(key: &Key) -> Result<String, String> {
    let value = serde_json::to_value(key).map_err(|error| error.to_string())?;
    let Value::Object(fields) = value else { return Err("a key is no mapping".to_owned()) };
    // The digest is always the same length: it stands where it does not push the others about.
    let order = ["id", "sha256", "tenant", "team", "project", "models", "expires"];
    let fields = order.iter().filter_map(|name| Some(format!("{name}: {}", plain(name, fields.get(*name)?))));
    Ok(format!("{{ {} }}", fields.collect::<Vec<_>>().join(", ")))
}

/// JSON is YAML too; only the digest needs no quotes, having been read as text all along.
fn plain(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) if name == "sha256" => text.clone(),
        other => other.to_string(),
    }
}

/// The keys of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Key>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
    parse(path, &text)
}

/// Adds a key; the file is made where there is none.
pub(super) fn add(path: &Path, key: &Key) -> Result<(), String> {
    change(path, |text, mut keys| {
        if keys.iter().any(|known| known.id == key.id) {
            return Err(format!("there is a key `{}` already", key.id));
        }
        let indent = items(text).last().map_or(2, |item| item.indent);
        let mut changed = text.to_owned();
        if !changed.is_empty() && !changed.ends_with('\n') {
            changed.push('\n');
        }
        if !text.lines().any(|line| line.starts_with("keys:")) {
            changed.push_str("keys:\n");
        }
        changed = format!("{changed}{:indent$}- {}\n", "", entry(key)?);
        keys.push(key.clone());
        Ok((changed, keys))
    })
}

/// Takes a key out.
pub(super) fn remove(path: &Path, id: &str) -> Result<(), String> {
    change(path, |text, mut keys| {
        let index = keys.iter().position(|key| key.id == id);
        let index = index.ok_or_else(|| format!("there is no key `{id}` in {}", path.display()))?;
        keys.remove(index);
        let items = items(text);
        let item =
            items.get(index).ok_or("the list of keys could not be followed: take the key out by hand")?;
        let lines = text.split_inclusive('\n').enumerate();
        let mut changed: String = lines
            .filter(|(number, _)| !(item.begin..item.end).contains(number))
            .map(|(_, line)| line)
            .collect();
        if items.len() == 1 {
            // A list without an item would be nothing at all.
            changed = changed.replacen("keys:", "keys: []", 1);
        }
        Ok((changed, keys))
    })
}

/// Makes a change that gives a new text and the keys that it should have, alone among the runs of this tool.
fn change(
    path: &Path,
    make: impl FnOnce(&str, Vec<Key>) -> Result<(String, Vec<Key>), String>,
) -> Result<(), String> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The directory is locked and not the file, which is another one after each change.
    let lock = File::open(directory).map_err(|error| cannot("open", directory, &error))?;
    lock.lock().map_err(|error| cannot("lock", directory, &error))?;
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text.replace("keys: []", "keys:"),
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(cannot("read", path, &error)),
    };
    let before = if text.trim_end().ends_with("keys:") { Vec::new() } else { parse(path, &text)? };
    let (changed, wanted) = make(&text, before)?;
    if parse(path, &changed) != Ok(wanted) {
        return Err(format!(
            "{} is written in a way that this tool does not follow: change it by hand",
            path.display()
        ));
    }
    replace(path, &changed).map(drop)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Key>, String> {
    parse_keys(text).map_err(|error| error.describe(path))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

/// The lines of an entry of the list.
struct Item {
    begin: usize,
    end: usize,
    indent: usize,
}

/// The entries of the list under `keys`, which is written in lines that begin with a dash.
fn items(text: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut in_list = false;
    for (number, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        if !bare.starts_with('-') && indent == 0 {
            in_list = bare.starts_with("keys:");
            continue;
        }
        let is_first = items.first().is_none_or(|first| first.indent == indent);
        if in_list && bare.starts_with('-') && is_first {
            items.push(Item { begin: number, end: number + 1, indent });
        } else if let Some(item) = items.last_mut().filter(|_| in_list) {
            item.end = number + 1;
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> Key {
        Key { id: id.to_owned(), sha256: "ab".repeat(32), ..Key::default() }
    }

    struct Directory(std::path::PathBuf);

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn directory(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("tollgate-keys-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    #[test]
    fn what_stands_around_the_keys_stays() {
        let directory = directory("around");
        let path = directory.0.join("keys.yaml");
        let digest = "cd".repeat(32);
        let written = format!(
            "# ours\nkeys:\n# the first\n- id: one\n  sha256: {digest}\n  metadata:\n    a: [1]\n\n# the second\n- {{ id: two, sha256: {digest} }}\n# the end\n"
        );
        std::fs::write(&path, &written).unwrap();
        add(&path, &key("three")).unwrap();
        remove(&path, "one").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            format!(
                "# ours\nkeys:\n# the first\n\n# the second\n- {{ id: two, sha256: {digest} }}\n# the end\n- {}\n",
                entry(&key("three")).unwrap()
            )
        );
        assert_eq!(add(&path, &key("three")).unwrap_err(), "there is a key `three` already");
        assert!(remove(&path, "one").unwrap_err().starts_with("there is no key `one` in "));
    }

    #[test]
    fn a_file_is_made_and_emptied_and_filled_again() {
        let directory = directory("made");
        let path = directory.0.join("keys.yaml");
        add(&path, &key("one")).unwrap();
        assert_eq!(read(&path).unwrap(), [key("one")]);
        remove(&path, "one").unwrap();
        assert_eq!(read(&path).unwrap(), []);
        add(&path, &key("two")).unwrap();
        add(&path, &key("three")).unwrap();
        assert_eq!(read(&path).unwrap(), [key("two"), key("three")]);
    }

    #[test]
    fn what_cannot_be_followed_is_left_alone() {
        let directory = directory("flow");
        let path = directory.0.join("keys.yaml");
        let flow = format!("{{ keys: [ {} ] }}\n", entry(&key("one")).unwrap());
        std::fs::write(&path, &flow).unwrap();
        assert!(add(&path, &key("two")).is_err() && remove(&path, "one").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), flow);
    }
}
