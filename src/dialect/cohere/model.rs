//! What Cohere's models differ in.

/// Whether a model takes `thinking`: it is refused by those that came before the reasoning models.
pub(super) fn thinks(model: &str) -> bool {
    const NOT: [&str; 6] = [
        "command-r",
        "command-light",
        "command-a-03-2025",
        "command-a-vision",
        "command-a-translate",
        "c4ai-",
    ];
    let name = model.rsplit('/').next().unwrap_or(model);
    name != "command" && !NOT.iter().any(|start| name.starts_with(start))
}
