//! The provider behind a deployment: where it is, how it knows us, and what it gets with every request.

use super::super::fields::Fields;
use super::providers::Known;
use super::{Import, clouds, variable};
use crate::config::headers::why_not_set;
use crate::config::schema::{HeaderValue, Ordered, Provider};
use crate::config::upstream::{is_dateless, is_variable, is_word};
use crate::config::{BaseUrl, without_endpoint};
use crate::dialect::Dialect;
use crate::provider::{Preset, preset};

/// Where a deployment is at Azure's dated surface.
const AZURE_DEPLOYMENT: [&str; 4] = [
    "/openai/deployments/{model}",
    "/openai/deployments/{model}/chat/completions",
    "/openai/deployments/{model}/completions",
    "/openai/deployments/{model}/embeddings",
];

/// Words that people write where a key is demanded and none is needed.
const NO_KEY: [&str; 12] = [
    "",
    "none",
    "null",
    "no-key",
    "nokey",
    "empty",
    "dummy",
    "fake",
    "fake-key",
    "not-needed",
    "anything",
    "sk-1234",
];

impl Import<'_> {
    /// The provider that a deployment needs: its preset, and what differs from it.
    pub(super) fn provider(
        &mut self,
        params: &mut Fields,
        known: &Known,
        clouds::Bare { model, region }: &clouds::Bare,
    ) -> Result<(&'static str, Provider), String> {
        let mut settings = Provider::default();
        let mut preset_name = clouds::preset_for(known.preset, model);
        let base = match params.text("api_base", &mut self.report) {
            Some(base) => Some(base),
            None => params.text("base_url", &mut self.report),
        };
        let base = match base.as_deref().map(|base| (base, variable(base))) {
            Some((_, Some(variable))) => Some((self.env)(variable).ok_or_else(|| {
                format!(
                    "its api_base is in the variable {variable}, which is not set: set it and import again"
                )
            })?),
            Some((base, None)) => Some(base.to_owned()),
            None => known.base_variable.and_then(self.env),
        };
        if let Some(base) = base {
            let base = base.trim().to_owned();
            let parsed = BaseUrl::parse(&base).map_err(|message| format!("its api_base: {message}"))?;
            // Whoever names another host than OpenAI's means a server that is like it.
            if preset_name == "openai" && parsed.host != "api.openai.com" {
                preset_name = "openai_compatible";
            }
            let base = without_endpoint(&base, own_paths(preset_name)).unwrap_or(base);
            let usual = preset(preset_name).and_then(|preset| preset.base_url).unwrap_or_default();
            let is_usual = BaseUrl::parse(usual).is_ok_and(|usual| BaseUrl::parse(&base) == Ok(usual));
            settings.base_url = (!is_usual).then_some(base);
        }
        let preset_row = preset(preset_name).ok_or("its provider has no preset")?;
        if settings.base_url.is_none() && preset_row.base_url.is_none() {
            return Err("it needs an `api_base`".to_owned());
        }
        if let Some(version) = params.text("api_version", &mut self.report) {
            self.api_version(params, preset_name, &version, &mut settings);
        }
        self.cloud(params, (preset_name, model, region.as_deref()), &mut settings)?;
        self.key(params, preset_name, known, &mut settings);
        self.headers(params, preset_row, &mut settings);
        Ok((preset_name, settings))
    }

    /// Has a deployment asked through OpenAI's Responses, where its provider may have them.
    pub(super) fn through_responses(&mut self, preset_name: &str, at: &str, settings: &mut Provider) {
        let rows = preset(preset_name).map_or(&[][..], |preset| preset.endpoints);
        let has_them = rows.iter().any(|row| row.dialect == Dialect::OpenaiResponses);
        if !has_them && preset_name != "openai_compatible" {
            self.report.left(at, "its provider has no Responses: it is asked as usual");
            return;
        }
        settings.dialect = Some(Dialect::OpenaiResponses);
        if preset_name == "azure" {
            // The dated surface has none.
            settings.base_url = settings.base_url.as_deref().map(dateless);
            if settings.api_version.take().is_some() {
                self.report.changed(at, "is asked at Azure's surface without versions, which has Responses");
            }
        }
    }

    fn api_version(&mut self, params: &Fields, preset_name: &str, version: &str, settings: &mut Provider) {
        let at = params.at("api_version");
        let value = match variable(version) {
            Some(name) => (self.env)(name),
            None => Some(version.to_owned()),
        };
        match value {
            Some(version) if preset_name == "azure" && is_dateless(&version) => {
                settings.base_url = settings.base_url.as_deref().map(dateless);
            }
            Some(version) if preset_name == "azure" && is_word(&version) => {
                settings.api_version = Some(version);
            }
            Some(_) if preset_name == "azure" => self.report.left(at, "is no version: the default one holds"),
            Some(_) => self.report.left(at, "only azure has API versions"),
            None => self.report.left(at, "its variable is not set: the default version holds"),
        }
    }

    /// The key: named, literal, or the usual variable's.
    fn key(&mut self, params: &mut Fields, preset_name: &str, known: &Known, settings: &mut Provider) {
        let usual = preset(preset_name).and_then(|preset| preset.key_variable);
        let is_optional = preset(preset_name).is_some_and(|preset| preset.key_optional);
        let at = params.at("api_key");
        let wanted = match params.text("api_key", &mut self.report) {
            None if preset_name == known.preset => known.key_variable.map(ToOwned::to_owned),
            // Without a key of its own, a server that is like OpenAI's gets OpenAI's.
            None if preset_name == "openai_compatible" => {
                (self.env)("OPENAI_API_KEY").map(|_| "OPENAI_API_KEY".to_owned())
            }
            None => None,
            Some(key) => match variable(&key) {
                Some(name) if is_variable(name) => Some(name.to_owned()),
                Some(_) => {
                    self.report.left(&at, "is not in a variable that can be named here: the usual one holds");
                    None
                }
                None if is_optional && NO_KEY.contains(&key.to_lowercase().as_str()) => None,
                None => {
                    let name = self.providers.variable_for(preset_name, &key);
                    self.report.secret(&at, &name);
                    Some(name)
                }
            },
        };
        settings.api_key_env = wanted.filter(|name| Some(name.as_str()) != usual || is_optional);
    }

    fn headers(&mut self, params: &mut Fields, preset: &Preset, settings: &mut Provider) {
        let has_key =
            settings.auth.is_none() && settings.api_key_env.as_deref().or(preset.key_variable).is_some();
        let mut written = Vec::new();
        for name in ["extra_headers", "headers"] {
            let value = params.take(name);
            let path = params.at(name);
            let fields = Fields::of(value, &path, &mut self.report);
            written.extend(fields.into_rest().map(|(name, value)| (format!("{path}.{name}"), name, value)));
        }
        if let Some(organization) = params.take("organization") {
            written.push((params.at("organization"), "openai-organization".to_owned(), organization));
        }
        let mut headers = Ordered::default();
        for (at, name, value) in written {
            let lower = name.to_lowercase();
            if headers.get(&lower).is_some() {
                self.report.left(at, "is set already: letter case makes no other header of it");
                continue;
            }
            if has_key && lower == preset.key_header.name() {
                self.report.left(at, "is where the key goes: it belongs into `api_key`");
                continue;
            }
            let Some(text) = value.as_str() else {
                self.report.left(at, "is not a text");
                continue;
            };
            let value = match variable(text) {
                Some(variable) => HeaderValue::Env { env: variable.to_owned() },
                None if is_secret_header(&name) => HeaderValue::Env {
                    env: name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
                },
                None => HeaderValue::Text(text.to_owned()),
            };
            if let Some(why) = why_not_set(&lower, &value) {
                self.report.left(at, why);
                continue;
            }
            if let (HeaderValue::Env { env }, None) = (&value, variable(text)) {
                self.report.secret(&at, env);
            }
            headers.push(lower, value);
        }
        settings.headers = headers;
    }
}

/// The paths of a preset's endpoints, which some deployments have at the end of their base URL: LiteLLM takes both.
fn own_paths(preset_name: &str) -> impl Iterator<Item = &'static str> {
    let rows = preset(preset_name).map_or(&[][..], |preset| preset.endpoints).iter().map(|row| row.path);
    // The preset has the paths of the surface without dates.
    let dated: &[&str] = if preset_name == "azure" { &AZURE_DEPLOYMENT } else { &[] };
    rows.chain(dated.iter().copied())
}

/// Azure's surface without dates of the same resource.
fn dateless(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let resource = ["/openai/v1", "/openai"].iter().find_map(|end| url.strip_suffix(end)).unwrap_or(url);
    format!("{resource}/openai/v1")
}

/// Whether a header's literal value is a credential.
fn is_secret_header(name: &str) -> bool {
    let name = name.to_lowercase();
    ["authorization", "key", "token", "secret", "cookie", "password"].iter().any(|word| name.contains(word))
}
