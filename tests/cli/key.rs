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
