//! The edge phase's first question: who asks, and may they.

use super::edge::Edge;
use super::headers::Headers;
use super::host::{Host, TOKEN};
use super::surface;
use crate::chat::Failure;
use crate::config::tables::{Certificate, Token};
use crate::dialect::Service;
use crate::policy::allow::{self, Allowed};
use crate::policy::identity::Identity;
use crate::policy::keys::{self, Offered, Ring, Verdict};
use crate::policy::route::{self, Found};
use std::rc::Rc;

impl Edge {
    /// Finds out who asks: by the key, else by whatever else the configuration lets take its place.
    pub(super) fn authenticate(&mut self, host: &impl Host, headers: &Headers) -> Result<(), Failure> {
        let tables = Rc::clone(&self.tables);
        let access = &tables.access;
        let filed =
            if access.has_file { Some(self.worker.filed_keys(host).ok_or_else(no_keys_yet)?) } else { None };
        let query = surface::query_value(headers.get(":path").unwrap_or_default(), "key");
        let offered = Offered {
            authorization: headers.get("authorization"),
            api_key: headers.get("x-api-key"),
            azure_api_key: headers.get("api-key"),
            goog_api_key: headers.get("x-goog-api-key"),
            query: query.as_deref(),
        };
        let ring = Ring { access, filed: filed.as_deref() };
        let (verdict, holders) = keys::judge(ring, offered, self.record.started_ns / 1_000_000_000);
        // The gateway's own keys stop here, whatever a provider's passthrough says.
        self.key_headers = holders;
        let mut is_let_in = access.is_open();
        let mut identity = match &verdict {
            Verdict::Known(key) => {
                is_let_in = true;
                Identity::of_key(Rc::clone(key))
            }
            Verdict::Master => {
                is_let_in = true;
                Identity::of_master()
            }
            // Whoever shows a key that was taken away does not come in by another door.
            Verdict::Over(why) => {
                let message = format!("The API key {why}.");
                return Err(Failure::new(401, message).with_code("invalid_api_key"));
            }
            Verdict::Absent | Verdict::Wrong => Identity::default(),
        };
        if let Some(token) = &access.token
            && headers.get(&token.header).is_some()
            && fill_from_token(&mut identity, host, token)
        {
            self.has_token = true;
            is_let_in |= token.suffices;
        }
        if let Some(certificate) = &access.certificate
            && fill_from_certificate(&mut identity, host, certificate)
        {
            is_let_in |= certificate.suffices;
        }
        for name in
            [&access.headers.tenant, &access.headers.team, &access.headers.project, &access.headers.user]
        {
            // One of them may be the client's own: then who set which cannot be known.
            if let Some(name) = name
                && headers.0.iter().filter(|(n, _)| *n == **name).count() > 1
            {
                return Err(Failure::new(400, format!("The header {name} is there more than once.")));
            }
        }
        identity.fill(&access.headers, |name| headers.get(name));
        is_let_in |= access.headers_suffice && (identity.tenant.is_some() || identity.user.is_some());
        if !is_let_in {
            return Err(self.refusal(&verdict, headers));
        }
        self.record.identity = identity;
        Ok(())
    }

    /// Why somebody without a good key is not let in.
    fn refusal(&self, verdict: &Verdict, headers: &Headers) -> Failure {
        if headers.get("authorization").is_some_and(keys::is_signature) {
            return Failure::new(
                403,
                "An AWS signature is no key of this gateway. Send the key as a bearer token: AWS's SDKs do, over TLS, with the environment variable AWS_BEARER_TOKEN_BEDROCK.",
            );
        }
        let token = self.tables.access.token.as_ref().filter(|token| token.suffices);
        if *verdict == Verdict::Wrong {
            let or_token = if token.is_some() { ", and no valid token" } else { "" };
            let message = format!("The API key is not valid{or_token}.");
            return Failure::new(401, message).with_code("invalid_api_key");
        }
        if let Some(token) = token.filter(|token| headers.get(&token.header).is_some()) {
            let message = format!(
                "The token in `{}` is not valid: it is not of {}, or expired.",
                token.header, token.issuer
            );
            return Failure::new(401, message).with_code("invalid_api_key");
        }
        let or_token = token.map(|token| format!(", or a token of {} in `{}`", token.issuer, token.header));
        Failure::new(
            401,
            format!(
                "No API key was given. Send it as `authorization: Bearer KEY`, `x-api-key: KEY`, `api-key: KEY` or `x-goog-api-key: KEY`{}.",
                or_token.unwrap_or_default()
            ),
        )
    }

    /// The models that whoever asks may use.
    pub(super) fn allowed(&self) -> Allowed<'_> {
        self.record.identity.models(&self.tables.access)
    }

    /// The model of a name, if there is one and whoever asks may use it.
    pub(super) fn find_allowed(&self, asked: &str) -> Result<Found, Failure> {
        let (allowed, asked) = (self.allowed(), route::meant(&self.tables, asked));
        let Some(found) = route::find(&self.tables, asked) else {
            return Err(unknown_model(&allow::listed(&self.tables, allowed), asked));
        };
        if allow::may_use(allowed, asked, &found.model.name) {
            return Ok(found);
        }
        Err(self.not_allowed(asked))
    }

    /// The model that a rule names, for whoever may use the one that was asked for: the rule is the gateway's own will.
    pub(super) fn find_instead(&self, asked: &str, instead: &str) -> Result<Found, Failure> {
        let asked = route::meant(&self.tables, asked);
        let public = route::find(&self.tables, asked);
        let public = public.as_ref().map_or(asked, |found| &found.model.name);
        let allowed = self.allowed();
        if !allow::may_use(allowed, asked, public) {
            return Err(self.not_allowed(asked));
        }
        route::find(&self.tables, instead)
            .ok_or_else(|| unknown_model(&allow::listed(&self.tables, allowed), instead))
    }

    fn not_allowed(&self, asked: &str) -> Failure {
        let message = format!("{} may not use the model `{}`.", self.whose(), route::shown(asked));
        let failure = Failure { param: Some("model".into()), ..Failure::new(403, message) };
        failure.with_code("model_not_allowed")
    }

    /// Whether whoever asks may have what names no model: a batch or a stored answer may be of any.
    pub(super) fn may_ask_without_model(&self, service: Service) -> Result<(), Failure> {
        if allow::may_use_all(self.allowed()) {
            return Ok(());
        }
        let message = format!(
            "{} may use some models only, and a request for {} that names none could be for any.",
            self.whose(),
            service.as_str()
        );
        Err(Failure::new(403, message).with_code("model_not_allowed"))
    }

    /// Whose permissions they are, at the beginning of a sentence.
    fn whose(&self) -> &'static str {
        if self.record.identity.key.is_some() { "This API key" } else { "Whoever comes without an API key" }
    }
}

/// The 404 of a model that is not configured, with the nearest of the names that there are for whoever asks.
fn unknown_model(names: &[&str], asked: &str) -> Failure {
    let near = route::nearest(names.iter().copied(), asked);
    let hint = if near.is_empty() { String::new() } else { format!(" Did you mean: {}?", near.join(", ")) };
    let message = format!("The model `{}` does not exist here.{hint}", route::shown(asked));
    Failure { param: Some("model".into()), ..Failure::new(404, message) }.with_code("model_not_found")
}

/// The keys come from a file of their own and are not here yet: nobody can be told from anybody.
fn no_keys_yet() -> Failure {
    Failure::new(503, "The gateway has not got its keys yet. Try again in a moment.")
}

/// Fills in what a token says, if the proxy has verified one: what it says of others it does not show.
fn fill_from_token(identity: &mut Identity, host: &impl Host, token: &Token) -> bool {
    let claim = |way: &[&str]| {
        let mut path = TOKEN.to_vec();
        path.extend_from_slice(way);
        String::from_utf8(host.property(&path)?).ok()
    };
    if claim(&["iss"]).as_deref() != Some(&*token.issuer) {
        return false;
    }
    identity.fill(&token.claims, |way| {
        let way: Vec<&str> = way.iter().map(|step| &**step).collect();
        claim(&way)
    });
    true
}

/// Fills in what the client's certificate says, if the proxy has verified one and it fits.
fn fill_from_certificate(identity: &mut Identity, host: &impl Host, certificate: &Certificate) -> bool {
    if host.property(&["connection", "mtls"]).as_deref() != Some(&[1]) {
        return false;
    }
    let read = |name: &crate::config::tables::CertificateName| {
        let text = String::from_utf8(host.property(&["connection", name.field.attribute()])?).ok()?;
        match &name.part {
            None => Some(text).filter(|text| !text.is_empty()),
            Some(part) => part.of(&text).map(ToOwned::to_owned),
        }
    };
    if certificate.names.iter().any(|name| read(name).is_none()) {
        return false;
    }
    identity.fill(&certificate.names, read);
    true
}
