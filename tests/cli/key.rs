//! `tollgate key new`.

use crate::tollgate::Room;
use sha2::{Digest, Sha256};

#[test]
fn a_minted_key_opens_the_door_its_snippet_describes() {
    let room = Room::new();
    let out = room.run(&["key", "new", "--id", "alice", "--tenant", "search: \"a\""], &[]).good();
    let key = out.lines().find(|line| line.starts_with("tg-")).unwrap();
    assert_eq!(key.len(), 3 + 64, "256 bits in hex");
    let snippet = out.split_once("keys:").unwrap().1;
    let text = format!("models: {{a: ollama/a}}\nkeys:{snippet}");
    room.write("gateway.yaml", &text);
    room.run(&["check"], &[]).good();
    let digest = Sha256::digest(key.as_bytes());
    let hex = snippet.split_once("sha256: ").unwrap().1.split([',', ' ']).next().unwrap();
    let pairs: Vec<&str> = (0..64).step_by(2).map(|at| &hex[at..at + 2]).collect();
    assert!(pairs.iter().zip(digest.iter()).all(|(pair, byte)| u8::from_str_radix(pair, 16) == Ok(*byte)));
    let again = room.run(&["key", "new"], &[]).good();
    assert!(!again.contains(key));
}

#[test]
fn keys_of_a_file_are_minted_listed_and_revoked() {
    let room = Room::new();
    let mint = |args: &[&str]| {
        let args = [&["key", "new", "--file", "keys.yaml"], args].concat();
        room.run(&args, &[]).good().lines().find(|line| line.starts_with("tg-")).unwrap().to_owned()
    };
    mint(&["--id", "alice", "--tenant", "acme", "--team", "search", "--project", "ranker"]);
    let bob = mint(&["--id", "bob", "--models", "gpt-4o,claude-*", "--expires", "2099-01-31"]);
    let file = room.read("keys.yaml");
    let digest =
        Sha256::digest(bob.as_bytes()).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let line = format!(
        "  - {{ id: \"bob\", sha256: {digest}, models: [\"gpt-4o\",\"claude-*\"], expires: \"2099-01-31\" }}"
    );
    assert!(file.lines().any(|known| known == line), "{file}");
    assert!(!file.contains(&bob));
    let list = "\
ID     TENANT  TEAM    PROJECT  EXPIRES     MODELS
alice  acme    search  ranker   -           *
bob    -       -       -        2099-01-31  gpt-4o,claude-*
";
    assert_eq!(room.run(&["key", "list", "--file", "keys.yaml"], &[]).good(), list);
    room.write("gateway.yaml", "models: {gpt-4o: ollama/a}\nkeys_file: keys.yaml\n");
    let rendered = room.run(&["render"], &[]).good();
    assert!(rendered.contains(&digest) && rendered.contains("root_id: keys"));
    room.run(&["key", "revoke", "--file", "keys.yaml", "alice"], &[]).good();
    assert_eq!(room.read("keys.yaml"), format!("keys:\n{line}\n"));
    for (args, why) in [
        (&["key", "revoke", "--file", "keys.yaml", "alice"][..], "there is no key `alice` in keys.yaml"),
        (&["key", "new", "--file", "keys.yaml", "--id", "bob"], "there is a key `bob` already"),
        (&["key", "new", "--expires", "soon"], "--expires: is a date such as 2027-01-31"),
        (&["key", "new", "--models", "a*b*"], "--models[0]: is the name of a model"),
        (&["key", "new", "--tenant", "a;b"], "--tenant: is 1 to 128 characters"),
        (&["key", "list", "--file", "nowhere.yaml"], "cannot read nowhere.yaml"),
    ] {
        let ran = room.run(args, &[]);
        assert!(!ran.ok && ran.err.contains(why), "{args:?}: {}", ran.err);
    }
    assert_eq!(room.read("keys.yaml"), format!("keys:\n{line}\n"));
}
