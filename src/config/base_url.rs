//! Base URLs of providers, taken apart: Envoy wants the host, the filter wants the path.

use std::net::IpAddr;

/// A base URL in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// `https` rather than `http`.
    pub tls: bool,
    /// Host name or IP address; IPv6 without brackets.
    pub host: String,
    /// Port; the scheme's own when the URL names none.
    pub port: u16,
    /// Path without a trailing slash; empty for the root.
    pub path: String,
}

impl BaseUrl {
    /// Takes a URL apart; the error is a sentence that says what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (tls, rest) = if let Some(rest) = url.strip_prefix("https://") {
            (true, rest)
        } else if let Some(rest) = url.strip_prefix("http://") {
            (false, rest)
        } else {
            return Err(format!("`{url}` must start with https:// or http://"));
        };
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'\\') {
            return Err("a base URL has no spaces or control characters".to_owned());
        }
        if rest.contains(['?', '#']) {
            return Err("a base URL has no query and no fragment".to_owned());
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err("a base URL has no user or password: keys come from environment variables".to_owned());
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            Some(port) => {
                port.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("`{port}` is no port"))?
            }
            None if tls => 443,
            None => 80,
        };
        let path = path.trim_end_matches('/').to_owned();
        Ok(Self { tls, host: host.to_lowercase(), port, path })
    }

    /// The host as an IP address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// `:authority` of requests: the host, with the port where it is not the scheme's own.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }

    /// The path of an endpoint below the base. People write base URLs with and without the version at the end; a
    /// first segment of `endpoint` that the base already ends with is not repeated.
    pub fn join(&self, endpoint: &str) -> String {
        let first = endpoint.find('/').and_then(|at| {
            let rest = endpoint.get(at + 1..)?;
            rest.find('/').and_then(|end| endpoint.get(..=end))
        });
        match first {
            Some(first) if self.path.ends_with(first) => {
                format!("{}{}", self.path, endpoint.get(first.len()..).unwrap_or(endpoint))
            }
            _ => format!("{}{endpoint}", self.path),
        }
    }
}

/// A base URL without the endpoint's own path that people write at its end too; the shortest, where it ends with several of
/// these. `None`: it ends with none of them.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn without_endpoint<'e>(
    url: &str,
    endpoints: impl IntoIterator<Item = &'e str>,
) -> Option<String> {
    let url = url.trim_end_matches('/');
    let authority = url.find("://")? + "://".len();
    let path = authority + url.get(authority..)?.find('/')?;
    let (front, path) = url.split_at_checked(path)?;
    let shortest =
        endpoints.into_iter().filter_map(|endpoint| before(path, endpoint)).min_by_key(|p| p.len())?;
    Some(format!("{front}{shortest}"))
}

/// The part of a path before an endpoint's own. Any version is as good as the endpoint's, and any name is that of a model.
#[cfg(not(target_arch = "wasm32"))]
fn before<'p>(path: &'p str, endpoint: &str) -> Option<&'p str> {
    let is_version =
        |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.starts_with(char::is_numeric));
    let fits = |part: &str, wanted: &str| {
        part == wanted || is_version(part) && is_version(wanted) || wanted.contains('{') && !part.is_empty()
    };
    let endpoint = endpoint.split_once('?').map_or(endpoint, |(path, _)| path);
    endpoint.trim_matches('/').rsplit('/').try_fold(path, |rest, wanted| {
        let (before, part) = rest.rsplit_once('/')?;
        fits(part, wanted).then_some(before)
    })
}

/// Host and port of an authority.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or("an IPv6 address is closed by `]`")?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(format!("`{host}` is no IPv6 address"));
        }
        match after {
            "" => (host, None),
            _ => (host, Some(after.strip_prefix(':').ok_or("after `]` only a port can follow")?)),
        }
    } else {
        match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("an IPv6 address is written in brackets".to_owned());
            }
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    if host.is_empty() {
        return Err("the host is missing".to_owned());
    }
    if !host.contains(':') && !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    {
        return Err(format!("`{host}` is no host name"));
    }
    Ok((host, port))
}

/// Host and port of an address such as `127.0.0.1:10000` or `[::1]:80`; the port must be there.
pub(crate) fn host_port(address: &str) -> Result<(String, u16), String> {
    if let Some((_, rest)) = address.split_once("://") {
        // What is in front of `@` may be a password, and is not repeated.
        let rest = rest.split(['/', '?']).next().unwrap_or_default();
        let rest = rest.rsplit('@').next().unwrap_or_default();
        return Err(format!("is an address without a scheme, such as `{rest}`"));
    }
    let (host, port) = split_port(address)?;
    let lacks = || match host.parse::<u16>() {
        Ok(_) => format!("`{address}` lacks an address before the port, such as `127.0.0.1:{address}`"),
        Err(_) => format!("`{address}` lacks a port"),
    };
    let port = port.ok_or_else(lacks)?;
    let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_urls_apart() {
        for (url, tls, host, port, path, authority) in [
            ("https://api.openai.com/v1", true, "api.openai.com", 443, "/v1", "api.openai.com"),
            ("http://LocalHost:11434", false, "localhost", 11434, "", "localhost:11434"),
            ("http://h/", false, "h", 80, "", "h"),
            ("https://[::1]:8443/a/b/", true, "::1", 8443, "/a/b", "[::1]:8443"),
            ("http://10.0.0.1:443", false, "10.0.0.1", 443, "", "10.0.0.1:443"),
        ] {
            let base = BaseUrl::parse(url).unwrap();
            assert_eq!(
                (base.tls, base.host.as_str(), base.port, base.path.as_str()),
                (tls, host, port, path)
            );
            assert_eq!(base.authority(), authority);
        }
        assert!(BaseUrl::parse("https://[::1]").unwrap().ip().is_some());
    }

    #[test]
    fn says_what_is_wrong() {
        for (url, word) in [
            ("api.openai.com", "https://"),
            ("https://", "host"),
            ("https://:80", "host"),
            ("https://a:b", "port"),
            ("https://a:0", "port"),
            ("https://a:99999", "port"),
            ("https://u:p@a", "password"),
            ("https://a?x=1", "query"),
            ("https://::1/v1", "brackets"),
            ("https://[::1", "]"),
            ("https://[zz]", "IPv6"),
            ("https://a b", "space"),
            ("https://a/b\r\nc", "control"),
            ("https://a_b;c", "host name"),
        ] {
            let error = BaseUrl::parse(url).unwrap_err();
            assert!(error.contains(word), "{url}: {error}");
        }
    }

    #[test]
    fn an_address_has_no_scheme() {
        for (address, rest) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("redis://user:secret@h:6379/0", "h:6379"),
            ("https://[::1]:80", "[::1]:80"),
        ] {
            let error = host_port(address).unwrap_err();
            assert_eq!(error, format!("is an address without a scheme, such as `{rest}`"));
        }
    }

    #[test]
    fn an_endpoint_at_the_end_is_found() {
        let endpoints = ["/completions", "/chat/completions", "/v1/messages", "/v2/rerank"];
        let gemini = "/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}";
        let azure = "/openai/deployments/{model}/chat/completions?api-version=2024-10-21";
        for (url, expected) in [
            ("https://api.anthropic.com/v1/messages", Some("https://api.anthropic.com")),
            ("http://h/x/v1/chat/completions/", Some("http://h/x/v1")),
            ("http://h/chat/completions", Some("http://h")),
            ("https://api.cohere.ai/v1/rerank", Some("https://api.cohere.ai")),
            ("http://h/v1beta/models/gemini-pro:generateContent", Some("http://h")),
            ("https://h/openai/deployments/gpt/chat/completions", Some("https://h")),
            ("http://h/rerank", None),
            ("http://h/messages", None),
            ("http://h/v1", None),
            ("http://h", None),
            ("h/chat/completions", None),
        ] {
            let found = without_endpoint(url, endpoints.into_iter().chain([gemini, azure]));
            assert_eq!(found.as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_version_is_not_repeated() {
        let join = |url: &str, path| BaseUrl::parse(url).unwrap().join(path);
        assert_eq!(join("http://h", "/v1/messages"), "/v1/messages");
        assert_eq!(join("http://h/v1", "/v1/messages"), "/v1/messages");
        assert_eq!(join("http://h/x/v1/", "/v1/messages"), "/x/v1/messages");
        assert_eq!(join("http://h/xv1", "/v1/messages"), "/xv1/v1/messages");
        assert_eq!(join("http://h/v1", "/chat/completions"), "/v1/chat/completions");
        assert_eq!(join("http://h/chat", "/messages"), "/chat/messages");
    }
}
