//! What people write ([`schema`]), and the tables a request reads ([`tables`]).

pub mod tables;
