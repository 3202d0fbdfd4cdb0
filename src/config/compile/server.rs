//! `server`, and the addresses elsewhere in the file.

use super::limits;
use crate::config::schema::{AuditTo, Gateway, Server};
use crate::config::tables::Cors;
use crate::config::{Problem, host_port};
use std::net::IpAddr;

/// The path prefix: empty, or `/` and something, without a slash at the end.
pub(super) fn prefix(server: &Server, problems: &mut Vec<Problem>) -> Box<str> {
    let written = server.prefix.as_deref().unwrap_or_default();
    let prefix = written.trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    if !prefix.is_empty()
        && (!prefix.starts_with('/') || prefix.contains("//") || !prefix.bytes().all(is_plain))
    {
        let near = format!("/{}", written.trim_matches('/'));
        let near = near.bytes().all(is_plain).then_some(near).filter(|near| *near != prefix);
        problems.push(Problem::new("server.prefix", "must be a plain path such as /llm").suggest(near));
    }
    prefix.into()
}

/// Cross-origin rules.
pub(super) fn cors(server: &Server, problems: &mut Vec<Problem>) -> Cors {
    let Some(cors) = &server.cors else { return Cors::default() };
    for (index, origin) in cors.origins.iter().enumerate() {
        let at = format!("server.cors.origins[{index}]");
        if origin == "*" {
            if cors.origins.len() > 1 {
                problems.push(Problem::new(at, "`*` allows all origins and stands alone"));
            }
            continue;
        }
        if origin.contains('*') {
            problems.push(Problem::new(at, "has no patterns: name each origin, or all of them with `*`"));
            continue;
        }
        let host = origin.split_once("://").map(|(_, host)| host);
        if host.is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', ' '])) {
            let near =
                Some(origin.trim_end_matches('/')).filter(|near| near != origin && near.contains("://"));
            let message = "an origin is a scheme and a host, such as https://app.example";
            problems.push(Problem::new(at, message).suggest(near));
        }
    }
    if cors.origins.is_empty() {
        problems.push(Problem::new("server.cors.origins", "no origin is allowed: leave `cors` out instead"));
    }
    Cors {
        origins: cors.origins.iter().map(|origin| origin.as_str().into()).collect(),
        headers: cors.headers.iter().map(|header| header.to_lowercase().into()).collect(),
        max_age_secs: cors.max_age.map_or(limits::CORS_MAX_AGE, |span| span.0).as_secs(),
    }
}

/// Largest request body, in bytes.
pub(super) fn max_body(server: &Server, problems: &mut Vec<Problem>) -> u64 {
    let bytes = server.max_body.map_or(limits::MAX_BODY, |size| size.0);
    if bytes == 0 || bytes > limits::MAX_BODY_BOUND {
        problems.push(Problem::new("server.max_body", "must be between 1 byte and 256MiB"));
    }
    bytes
}

/// The most that one worker holds of its clients' bodies, in bytes, as written.
pub(super) fn max_held(server: &Server) -> u64 {
    server.max_held.map_or(limits::MAX_HELD, |size| size.0)
}

/// The same, looked at: the largest body has to have room.
pub(super) fn checked_max_held(server: &Server, problems: &mut Vec<Problem>) -> u64 {
    let bytes = max_held(server);
    let least = server.max_body.map_or(limits::MAX_BODY, |size| size.0);
    if server.max_held.is_some() && !(least..=limits::MAX_HELD_BOUND).contains(&bytes) {
        problems.push(Problem::new("server.max_held", "must be at least `server.max_body` and at most 1GiB"));
    }
    bytes
}

/// The addresses that only the renderer uses: a bad one is a mistake all the same.
pub(super) fn addresses(gateway: &Gateway, problems: &mut Vec<Problem>) {
    for (path, address) in
        [("server.listen", &gateway.server.listen), ("server.admin", &gateway.server.admin)]
    {
        let Some(address) = address else { continue };
        match host_port(address) {
            Ok((host, _)) if host.parse::<IpAddr>().is_ok() => {}
            Ok((host, _)) => {
                let near = (host == "localhost").then(|| address.replacen("localhost", "127.0.0.1", 1));
                let message = format!("`{host}` must be an IP address: that of this machine to listen on");
                problems.push(Problem::new(path, message).suggest(near));
            }
            Err(message) => problems.push(Problem::new(path, message)),
        }
    }
    let effective =
        |address: &Option<String>, usual: &str| host_port(address.as_deref().unwrap_or(usual)).ok();
    let both =
        (effective(&gateway.server.listen, limits::LISTEN), effective(&gateway.server.admin, limits::ADMIN));
    // Port 0 is any that is free.
    if let (Some((host, port)), Some((other, same))) = both
        && port == same
        && port != 0
        && (host == other || is_everywhere(&host) || is_everywhere(&other))
    {
        let path = if gateway.server.admin.is_some() { "server.admin" } else { "server.listen" };
        let message = format!("clients and the admin interface need a port each: both have {port}");
        problems.push(Problem::new(path, message));
    }
    match &gateway.audit.to {
        Some(AuditTo::Otlp(address)) => {
            if let Err(message) = host_port(address) {
                problems.push(Problem::new("audit.to.otlp", message));
            }
        }
        Some(AuditTo::File(path)) if path.is_empty() => {
            problems.push(Problem::new("audit.to.file", "the path is empty"));
        }
        _ => {}
    }
}

/// Whether a host stands for all addresses of the machine.
fn is_everywhere(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified())
}
