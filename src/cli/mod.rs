//! The command line.

mod check;
mod import;
mod key;
mod load;
mod render;
mod replace;
mod schema;
mod translate;

use clap::{Parser, Subcommand};
use std::io::{self, Write};
use std::process::ExitCode;

/// An LLM gateway that lives inside Envoy.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the configuration of Envoy (or whatever runs the filter) for a gateway.yaml
    Render(render::RenderArgs),
    /// Say what is wrong with a gateway.yaml, and let Envoy check the result
    Check(check::CheckArgs),
    /// Turn another gateway's configuration into a gateway.yaml
    Import(import::ImportArgs),
    /// Translate a body from standard input as the gateway would
    Translate(translate::TranslateArgs),
    /// Client keys
    Key(key::KeyArgs),
    /// Print the JSON Schema of gateway.yaml
    Schema,
}

/// Runs the command line.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Render(args) => render::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Translate(args) => translate::run(&args),
        Command::Key(args) => key::run(&args),
        Command::Schema => schema::run(),
    }
}

/// Writes to standard output. A reader that went away (`tollgate schema | head`) is no failure.
fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot write to standard output: {error}")),
    }
}

/// Says why a command failed.
fn fail(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::FAILURE
}
