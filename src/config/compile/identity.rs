//! `identity`: what is believed about who asks, beside the key.

use crate::config::schema::{self, Gateway};
use crate::config::tables::{
    Access, Certificate, CertificateField, CertificateName, Excerpt, ModelPattern, Parts, Token,
};
use crate::config::{BaseUrl, Problem};
use crate::policy::keys::Carrier;
use std::rc::Rc;

/// The header that says what kind of agent asks, where the configuration names no other.
const AGENT_HEADER: &str = "x-agent-type";

/// The header of tokens, where the configuration names no other.
const TOKEN_HEADER: &str = "authorization";

/// Adds to the keys what else is believed.
pub(super) fn fill(access: &mut Access, gateway: &Gateway, problems: &mut Vec<Problem>) {
    let identity = &gateway.identity;
    access.token = identity.jwt.as_ref().map(|jwt| token(jwt, problems));
    access.certificate = identity.mtls.as_ref().map(|mtls| certificate(mtls, problems));
    if identity.mtls.is_some() && gateway.server.tls.is_none() {
        problems.push(Problem::new("identity.mtls", "needs `server.tls`: clear text has no certificates"));
    }
    let headers = &identity.headers;
    let written = parts([&headers.tenant, &headers.team, &headers.project, &headers.user, &headers.agent]);
    access.headers =
        each(&written, |field, name| Some(named_by(&format!("identity.headers.{field}"), name, problems)));
    access.headers.agent.get_or_insert_with(|| AGENT_HEADER.into());
    access.headers_suffice = headers.replaces_key.unwrap_or(false);
    if access.headers_suffice && headers.tenant.is_none() && headers.user.is_none() {
        let message = "needs a header for `tenant` or `user`: nothing else can take the place of a key";
        problems.push(Problem::new("identity.headers.replaces_key", message));
    }
    if let Some(models) = &identity.models {
        super::access::model_names(models, "identity.models", problems);
        access.models = Some(models.iter().map(|model| ModelPattern::new(model)).collect::<Rc<[_]>>());
    }
    forwarded(access, gateway, problems);
}

/// Who asks is not a provider's business: such a header cannot be one that is let through.
fn forwarded(access: &Access, gateway: &Gateway, problems: &mut Vec<Problem>) {
    let token = access.token.as_ref().map(|token| &token.header);
    for (name, provider) in gateway.providers.iter() {
        for (index, header) in provider.forward_headers.iter().flatten().enumerate() {
            if access.headers.iter().chain(token).any(|own| own.eq_ignore_ascii_case(header)) {
                let path = format!("providers.{name}.forward_headers[{index}]");
                problems.push(Problem::new(path, "says who asks, which is not a provider's business"));
            }
        }
    }
}

fn token(jwt: &schema::Jwt, problems: &mut Vec<Problem>) -> Token {
    if jwt.issuer.is_empty() {
        problems.push(Problem::new("identity.jwt.issuer", "is empty: a token of anybody's would do"));
    }
    match (&jwt.jwks_file, &jwt.jwks_url) {
        (Some(_), Some(_)) | (None, None) => {
            let message = "needs the issuer's keys: either `jwks_file` or `jwks_url`";
            problems.push(Problem::new("identity.jwt", message));
        }
        (Some(file), None) if file.is_empty() => {
            problems.push(Problem::new("identity.jwt.jwks_file", "the path is empty"));
        }
        (None, Some(url)) => {
            if let Err(message) = BaseUrl::parse(url) {
                problems.push(Problem::new("identity.jwt.jwks_url", message));
            }
        }
        (Some(_), None) => {}
    }
    let header = jwt.header.as_deref().unwrap_or(TOKEN_HEADER);
    let claims = &jwt.claims;
    let written = parts([&claims.tenant, &claims.team, &claims.project, &claims.user, &claims.agent]);
    Token {
        issuer: jwt.issuer.as_str().into(),
        header: header_name("identity.jwt.header", header, problems),
        claims: each(&written, |field, claim| {
            let path = way(claim);
            if path.iter().any(|step| step.is_empty()) {
                let message = "is the name of a claim, or names with dots between them";
                problems.push(Problem::new(format!("identity.jwt.claims.{field}"), message));
            }
            Some(path)
        }),
        suffices: jwt.replaces_key.unwrap_or(true),
    }
}

/// The way to a claim. Claims that are named by a URL have dots that lead nowhere.
fn way(claim: &str) -> Vec<Box<str>> {
    if claim.contains("://") {
        return vec![claim.into()];
    }
    claim.split('.').map(Into::into).collect()
}

fn certificate(mtls: &schema::Mtls, problems: &mut Vec<Problem>) -> Certificate {
    if mtls.ca_file.is_empty() {
        problems.push(Problem::new("identity.mtls.ca_file", "the path is empty"));
    }
    let written = parts([&mtls.tenant, &mtls.team, &mtls.project, &mtls.user, &mtls.agent]);
    Certificate {
        names: each(&written, |field, text| match certificate_name(text) {
            Ok(name) => Some(name),
            Err(message) => {
                problems.push(Problem::new(format!("identity.mtls.{field}"), message));
                None
            }
        }),
        suffices: mtls.replaces_key.unwrap_or(true),
    }
}

fn certificate_name(text: &str) -> Result<CertificateName, String> {
    let (field, pattern) = match text.trim().split_once(' ') {
        Some((field, pattern)) => (field, Some(pattern.trim())),
        None => (text.trim(), None),
    };
    let field = match field {
        "uri_san" => CertificateField::UriSan,
        "dns_san" => CertificateField::DnsSan,
        "subject" => CertificateField::Subject,
        other => return Err(format!("`{other}` is none of `uri_san`, `dns_san` and `subject`")),
    };
    let part = pattern.map(Excerpt::parse).transpose().map_err(|why| format!("the pattern {why}"))?;
    Ok(CertificateName { field, part })
}

/// The name of a header that says who asks. What it says is written down, so it holds no secret.
fn named_by(path: &str, name: &str, problems: &mut Vec<Problem>) -> Box<str> {
    let name = header_name(path, name, problems);
    if Carrier::is_header(&name) || &*name == "cookie" {
        problems.push(Problem::new(path, "is a credential: it would stand in the audit log"));
    }
    name
}

/// A header's name in lower case.
fn header_name(path: &str, name: &str, problems: &mut Vec<Problem>) -> Box<str> {
    let name = name.to_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        problems.push(Problem::new(path, "is the name of a request header"));
    } else if name.starts_with("x-envoy-") || name.starts_with("x-tollgate-") {
        let message = "is taken from every request: such headers steer the proxy";
        problems.push(Problem::new(path, message));
    }
    name.into()
}

fn parts([tenant, team, project, user, agent]: [&Option<String>; 5]) -> Parts<&str> {
    Parts {
        tenant: tenant.as_deref(),
        team: team.as_deref(),
        project: project.as_deref(),
        user: user.as_deref(),
        agent: agent.as_deref(),
    }
}

/// Makes something of each part, which is also given by its name.
fn each<T>(written: &Parts<&str>, mut make: impl FnMut(&str, &str) -> Option<T>) -> Parts<T> {
    let mut of = |field: &str, text: Option<&str>| text.and_then(|text| make(field, text));
    Parts {
        tenant: of("tenant", written.tenant),
        team: of("team", written.team),
        project: of("project", written.project),
        user: of("user", written.user),
        agent: of("agent", written.agent),
    }
}
