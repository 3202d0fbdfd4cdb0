//! Where the binaries are, and where a run may write.

use anyhow::{Context, Result, bail};
use std::env;
use std::path::{Path, PathBuf};

/// How deep below `target/venv` a Python package can lie.
const VENV_DEPTH: usize = 6;

/// The binaries of a run and a directory for what it writes.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) envoy: PathBuf,
    pub(crate) tollgate: PathBuf,
    pub(crate) module: PathBuf,
    /// The repository's `target`.
    pub(crate) target: PathBuf,
    /// Empty at the start of a run; kept after it, for whoever wants to read the logs.
    pub(crate) work: PathBuf,
}

impl Places {
    /// Finds everything for the run `name`; the error says how to help.
    pub(crate) fn find(name: &str) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().context("the repository")?;
        let target = root.join("target");
        let release = target.join("release/tollgate");
        let wasm = target.join("wasm32-wasip1/release/tollgate.wasm");
        let work = target.join("load-runs").join(name);
        if work.exists() {
            std::fs::remove_dir_all(&work).with_context(|| work.display().to_string())?;
        }
        std::fs::create_dir_all(&work).with_context(|| work.display().to_string())?;
        Ok(Self {
            envoy: find_envoy(&target)?,
            tollgate: existing("TOLLGATE_BIN", release, "cargo build --release")?,
            module: existing("TOLLGATE_WASM", wasm, "cargo build --release --lib --target wasm32-wasip1")?,
            target,
            work,
        })
    }
}

fn existing(variable: &str, default: PathBuf, recipe: &str) -> Result<PathBuf> {
    let path = env::var_os(variable).map_or(default, PathBuf::from);
    if path.is_file() {
        return path.canonicalize().context("a path");
    }
    bail!("{} is not there: build it with `{recipe}`, or name it in {variable}", path.display())
}

fn find_envoy(target: &Path) -> Result<PathBuf> {
    if let Some(named) = env::var_os("ENVOY") {
        let path = PathBuf::from(named);
        if path.is_file() {
            return Ok(path);
        }
        bail!("ENVOY names {}, which is not there", path.display());
    }
    if let Some(path) = in_venv(&target.join("venv"), VENV_DEPTH) {
        return Ok(path);
    }
    on_path("envoy").context("no Envoy: name it in ENVOY, install it with `make setup`, or put it on PATH")
}

fn in_venv(directory: &Path, depth: usize) -> Option<PathBuf> {
    let wanted = directory.join("envoy/_bin/envoy");
    if wanted.is_file() {
        return Some(wanted);
    }
    let below = depth.checked_sub(1)?;
    std::fs::read_dir(directory)
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .find_map(|entry| in_venv(&entry.path(), below))
}

/// The first executable of that name on `PATH`.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|directory| directory.join(name)).find(|path| path.is_file())
}
