//! A real Envoy: where it is, what it runs, how it is started, watched and stopped.

mod admin;
mod bootstrap;
mod places;
mod process;

pub(crate) use admin::Admin;
pub(crate) use bootstrap::{Gateway, Ports, plain, render};
pub(crate) use places::Places;
pub(crate) use process::{Cpu, Envoy, Start};
