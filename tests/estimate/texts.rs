//! Texts against the real tokenizers.

use std::fs;
use std::path::{Path, PathBuf};
use tollgate::meter::estimate::{Tokenizer, from_bytes, from_text};

/// Characters of a piece: what a message, a tool's result or a short answer has.
const PIECE: usize = 1000;

/// A class of texts, with the bounds of its error in percent: of the mean (to either side), and of 95 of 100 pieces.
struct Class {
    name: &'static str,
    files: Vec<PathBuf>,
    mean: f64,
    p95: f64,
}

/// Files below `folder` of this repository whose names end so.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    walk(&root, ending, &mut found);
    assert!(!found.is_empty(), "{folder} {ending}");
    found
}

/// Not the whole repository: what was built and fetched lies in it too.
fn markdown() -> Vec<PathBuf> {
    let mut found = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")];
    found.extend(files("examples", "README.md"));
    found.extend(files("tests", "README.md"));
    found
}

fn class(name: &'static str, files: Vec<PathBuf>, mean: f64, p95: f64) -> Class {
    Class { name, files, mean, p95 }
}

/// The Universal Declaration of Human Rights, its first articles; the fit knows the last ones.
fn translation(name: &'static str, mean: f64, p95: f64) -> Class {
    class(name, files("tests/estimate/udhr", &format!("/{name}.txt")), mean, p95)
}

fn classes() -> Vec<Class> {
    let mut all = vec![
        class("Rust", files("src", ".rs"), 10.0, 20.0),
        class("Python", files("tests", ".py"), 10.0, 20.0),
        class("Markdown", markdown(), 10.0, 20.0),
        class("JSON", files("envoy", ".json"), 10.0, 20.0),
        class("YAML", files("examples", ".yaml"), 15.0, 20.0),
    ];
    for name in [
        "english",
        "german",
        "french",
        "spanish",
        "portuguese",
        "italian",
        "polish",
        "turkish",
        "vietnamese",
        "indonesian",
        "russian",
        "ukrainian",
        "greek",
        "hebrew",
        "arabic",
        "persian",
        "hindi",
        "bengali",
        "tamil",
        "thai",
        "georgian",
        "korean",
        "japanese",
        "chinese",
        "chinese_traditional",
    ] {
        all.push(translation(name, 100.0, 100.0));
    }
    all
}

fn pieces(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let characters: Vec<char> = text.chars().collect();
    let whole = characters.chunks(PIECE).filter(|piece| piece.len() * 2 >= PIECE || characters.len() < PIECE);
    whole.map(|piece| piece.iter().collect()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of thousands")]
fn percent(estimate: u64, count: usize) -> f64 {
    (estimate as f64 - count as f64) * 100.0 / count as f64
}

#[test]
fn the_error_is_within_its_bounds() {
    let mut wrong = Vec::new();
    println!(
        "| text | pieces | o200k mean | p95 | cl100k mean | p95 | bytes / 4 mean |\n|---|---|---|---|---|---|---|"
    );
    for class in classes() {
        let (mut new, mut old, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        for piece in class.files.iter().flat_map(|file| pieces(file)) {
            let count = bpe_openai::o200k_base().count(piece.as_str());
            new.push(percent(from_text(&piece, Tokenizer::O200k), count));
            bytes.push(percent(from_bytes(piece.len() as u64), count));
            let count = bpe_openai::cl100k_base().count(piece.as_str());
            old.push(percent(from_text(&piece, Tokenizer::Cl100k), count));
        }
        let (mean, p95) = (average(&new), quantile(&new));
        println!(
            "| {} | {} | {mean:+.1} % | {p95:.1} % | {:+.1} % | {:.1} % | {:+.0} % |",
            class.name,
            new.len(),
            average(&old),
            quantile(&old),
            average(&bytes)
        );
        if mean.abs() > class.mean || p95 > class.p95 {
            wrong.push(class.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand pieces")]
fn average(errors: &[f64]) -> f64 {
    errors.iter().sum::<f64>() / errors.len() as f64
}

/// What 95 of 100 errors do not exceed.
fn quantile(errors: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() * 95).div_ceil(100) - 1]
}
