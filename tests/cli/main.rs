//! The command line, as people run it.

mod check;
mod import;
mod key;
mod render;
mod schema;
mod tollgate;
