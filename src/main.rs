//! The host binary: renders, checks, imports, translates. Everything it does lives in [`tollgate::cli`].

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    tollgate::cli::main()
}

/// The command line has no meaning inside a Wasm host.
#[cfg(target_arch = "wasm32")]
fn main() {}
