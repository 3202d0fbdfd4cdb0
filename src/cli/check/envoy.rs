//! Lets Envoy itself check the rendered bootstrap.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Validates a bootstrap with Envoy, if both Envoy and the module are there; a few words for the summary, or why it was
/// refused.
pub(super) fn validate(asked: Option<&Path>, module: &str, bootstrap: &str) -> Result<String, String> {
    let Some(envoy) = binary(asked) else {
        return Ok("Envoy was not found and has not checked it".to_owned());
    };
    if !Path::new(module).is_file() {
        return Ok(format!("Envoy has not checked it: the module is not at {module} (see --module)"));
    }
    let file = std::env::temp_dir().join(format!("tollgate-check-{}.yaml", std::process::id()));
    std::fs::write(&file, bootstrap).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let output = Command::new(&envoy).args(["--mode", "validate", "-l", "warning", "-c"]).arg(&file).output();
    // What was written is no secret, and a file that could not be removed is no reason to fail.
    let _ = std::fs::remove_file(&file);
    let output = output.map_err(|error| format!("cannot run {}: {error}", envoy.display()))?;
    if output.status.success() {
        return Ok("Envoy accepts it".to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    Err(format!("{} refuses the rendered bootstrap:\n{}", envoy.display(), reasons(&said)))
}

/// Envoy's binary: the one asked for, else `$ENVOY`, else `envoy` on the `PATH`.
fn binary(asked: Option<&Path>) -> Option<PathBuf> {
    let named = || std::env::var_os("ENVOY").filter(|path| !path.is_empty()).map(PathBuf::from);
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|directory| directory.join("envoy")).find(|file| file.is_file())
    };
    asked.map(Path::to_path_buf).or_else(named).or_else(on_path)
}

/// The lines that say why, out of everything that Envoy logs; all of it when none stands out.
fn reasons(said: &str) -> String {
    let telling: Vec<&str> = said
        .lines()
        .filter(|line| ["[error]", "[critical]"].iter().any(|level| line.contains(level)))
        .collect();
    if telling.is_empty() { said.trim().to_owned() } else { telling.join("\n") }
}
