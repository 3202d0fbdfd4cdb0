//! Providers with their presets applied: what the renderer and the tables both start from.

use super::Problem;
use super::base_url::BaseUrl;
use super::headers;
use super::nearest::nearest;
use super::problem::{check_times, entry};
use super::schema::{AuthMode, Fallbacks, ForwardTo, Gateway, HeaderValue, Litellm, Provider, TargetEntry};
use super::tables::Endpoint;
use crate::dialect::{Dialect, Operation, Service};
use crate::provider::{KeyHeader, Preset, Quirks, Row, preset, presets};
use crate::{embedding, rerank};

/// Azure's API version where the configuration names none: its last dated general release.
const AZURE_API_VERSION: &str = "2024-10-21";

/// Most providers of one gateway: each is a cluster and a plugin of its own.
const MAX_PROVIDERS: usize = 256;

/// One provider, resolved but for its secrets.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Name in the configuration.
    pub name: String,
    /// Where it is.
    pub base: BaseUrl,
    /// What it speaks, and at which absolute path, the preferred dialect first.
    pub endpoints: Vec<Endpoint>,
    /// How it will know us.
    pub auth: AuthPlan,
    /// Headers set on every request, the preset's first.
    pub headers: Vec<(String, HeaderValue)>,
    /// Client headers that are let through, in lower case.
    pub forward_headers: Vec<String>,
    /// How it differs from its dialect's own maker.
    pub quirks: Quirks,
    /// The name under which `genai-prices` knows it.
    pub price_provider: Option<&'static str>,
    /// Everything else, as written.
    pub settings: Provider,
}

/// How a provider will know us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthPlan {
    /// No credential.
    None,
    /// The client's own.
    Passthrough,
    /// Envoy signs the requests.
    Aws {
        /// Region of the signature.
        region: String,
    },
    /// Envoy adds an access token of Google's.
    Gcp,
    /// A key from the environment.
    Key {
        /// Name of the variable.
        variable: String,
        /// Header that carries it.
        header: KeyHeader,
        /// Whether requests go without a key when the variable is not set.
        optional: bool,
    },
}

impl Upstream {
    /// Name of its Envoy cluster.
    pub fn cluster(&self) -> String {
        format!("provider_{}", self.name)
    }

    /// The environment variables it reads, and whether it can do without each.
    pub fn variables(&self) -> impl Iterator<Item = (&str, bool)> {
        let key = match &self.auth {
            AuthPlan::Key { variable, optional, .. } => Some((variable.as_str(), *optional)),
            AuthPlan::None | AuthPlan::Passthrough | AuthPlan::Aws { .. } | AuthPlan::Gcp => None,
        };
        let headers = self.headers.iter().filter_map(|(_, value)| match value {
            HeaderValue::Env { env } => Some((env.as_str(), false)),
            HeaderValue::Text(_) => None,
        });
        key.into_iter().chain(headers)
    }
}

/// All providers: the listed ones in the order of the file, then the `litellm` section, then the presets that targets and
/// `forward` name without their being listed, in the order of their first mention.
pub fn upstreams(gateway: &Gateway, problems: &mut Vec<Problem>) -> Vec<Upstream> {
    let mut found = Vec::new();
    for (name, settings) in gateway.providers.iter() {
        let path = entry("providers", name);
        found.extend(resolve(name, settings, &path, problems));
    }
    if let Some(litellm) = &gateway.litellm {
        if gateway.providers.get("litellm").is_some() {
            problems.push(Problem::new(
                "providers.litellm",
                "the `litellm` section defines this provider already",
            ));
        } else {
            found.extend(resolve("litellm", &of_litellm(litellm), "litellm", problems));
        }
    }
    for name in &mentioned(gateway) {
        let known = gateway.providers.get(name).is_some()
            || (name == "litellm" && gateway.litellm.is_some())
            || found.iter().any(|upstream| upstream.name == *name);
        // A preset without a base URL of its own cannot be meant as it is; the target says so where it stands.
        if !known && preset(name).is_some_and(|preset| preset.base_url.is_some()) {
            found.extend(resolve(name, &Provider::default(), &entry("providers", name), problems));
        }
    }
    if found.len() > MAX_PROVIDERS {
        problems.push(Problem::new("providers", format!("more than {MAX_PROVIDERS} providers")));
    }
    found
}

/// The provider behind the `litellm` section.
fn of_litellm(litellm: &Litellm) -> Provider {
    Provider {
        preset: Some("litellm".to_owned()),
        base_url: Some(litellm.base_url.clone()),
        auth: litellm.auth,
        api_key_env: litellm.api_key_env.clone(),
        connect_timeout: litellm.connect_timeout,
        timeout: litellm.timeout,
        stream_timeout: litellm.stream_timeout,
        ..Provider::default()
    }
}

/// The provider names of all targets that may be asked, and those under `forward`.
fn mentioned(gateway: &Gateway) -> Vec<String> {
    let mut names = Vec::new();
    let mut mention = |target: &TargetEntry| names.extend(target.provider().map(ToOwned::to_owned));
    // In mode `all` the proxy takes the place of these, and chains for a reason name nobody else.
    if !gateway.litellm.as_ref().is_some_and(Litellm::takes_everything) {
        gateway.models.iter().flat_map(|(_, model)| model.chain("")).for_each(|(_, target)| mention(&target));
        let own = gateway.models.iter().filter_map(|(_, model)| model.fallbacks());
        own.chain(&gateway.defaults.fallbacks).flat_map(Fallbacks::targets).for_each(mention);
    }
    names.extend(gateway.forward.values().filter_map(|to| match to {
        ForwardTo::Provider(name) => Some(name.clone()),
        ForwardTo::Offered(_) => None,
    }));
    names
}

/// Applies a preset. `None` when too little is known to go on; the problems say why.
fn resolve(name: &str, settings: &Provider, path: &str, problems: &mut Vec<Problem>) -> Option<Upstream> {
    let before = problems.len();
    let name_is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if name.is_empty() || name.len() > 64 || !name_is_plain {
        problems.push(Problem::new(
            path,
            "a provider's name is 1 to 64 of A-Z a-z 0-9 _ - . : it names a cluster",
        ));
    }
    let base_preset = find_preset(name, settings, path, problems);
    let base = find_base(settings, base_preset, path, problems);
    let endpoints = match (&base, base_preset.is_some() || settings.dialect.is_some()) {
        (Some(base), true) => endpoints(settings, base_preset, base),
        (_, false) if problems.len() == before => {
            let message = "needs a `preset`, or a `base_url` and a `dialect`";
            problems.push(Problem::new(path, message).suggest(nearest(name, preset_names())));
            return None;
        }
        _ => Vec::new(),
    };
    if let Some(version) = &settings.api_version {
        let is_azure = base_preset.is_some_and(|preset| preset.name == "azure");
        let problem = if !is_azure {
            Some("only the preset azure has API versions")
        } else if !is_word(version) {
            Some("is a word such as 2024-10-21 or 2025-04-01-preview")
        } else {
            None
        };
        let at = format!("{path}.api_version");
        problems.extend(problem.map(|message| Problem::new(at, message)));
    }
    let auth = find_auth(settings, base_preset, &endpoints, path, problems);
    let headers = headers::set(settings, base_preset, &auth, path, problems);
    let forward_headers = headers::forwarded(settings, &auth, path, problems);
    let times = [
        ("connect_timeout", settings.connect_timeout),
        ("timeout", settings.timeout),
        ("stream_timeout", settings.stream_timeout),
        ("idle_timeout", settings.idle_timeout),
    ];
    check_times(path, &times, problems);
    Some(Upstream {
        name: name.to_owned(),
        base: base?,
        endpoints,
        auth,
        headers,
        forward_headers,
        quirks: base_preset.map_or_else(|| plain_quirks(settings.dialect), |preset| preset.quirks),
        price_provider: base_preset.and_then(|preset| preset.price_provider),
        settings: settings.clone(),
    })
}

/// Names of all presets.
pub(crate) fn preset_names<'n>() -> impl Iterator<Item = &'n str> {
    presets().map(|preset| preset.name)
}

fn find_preset(
    name: &str,
    settings: &Provider,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<&'static Preset> {
    match &settings.preset {
        Some(wanted) => {
            let found = preset(wanted);
            if found.is_none() {
                let message = format!("there is no preset `{wanted}`");
                let near = nearest(wanted, preset_names());
                problems.push(Problem::new(format!("{path}.preset"), message).suggest(near));
            }
            found
        }
        None => preset(name),
    }
}

/// What is assumed of a provider without a preset: an Anthropic one is taken at its word, an OpenAI one gets the
/// oldest and most widely understood words.
fn plain_quirks(dialect: Option<Dialect>) -> Quirks {
    match (dialect, preset("openai_compatible")) {
        (Some(Dialect::OpenaiChat | Dialect::OpenaiResponses), Some(compatible)) => compatible.quirks,
        _ => Quirks::default(),
    }
}

fn find_base(
    settings: &Provider,
    preset: Option<&Preset>,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<BaseUrl> {
    let url = match (&settings.base_url, preset) {
        (Some(url), _) => url.as_str(),
        (None, Some(Preset { base_url: Some(url), .. })) => url,
        (None, Some(preset)) => {
            let message = format!("the preset {} needs a `base_url`", preset.name);
            problems.push(Problem::new(path, message));
            return None;
        }
        (None, None) => return None,
    };
    match BaseUrl::parse(&placed(url, settings, path, problems)?) {
        Ok(base) => Some(base),
        Err(message) => {
            problems.push(Problem::new(format!("{path}.base_url"), message));
            None
        }
    }
}

/// Whether a text can be a part of a URL as it is: a region, a project, a version.
pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

/// Whether this is one of Azure's words for its surface without dates, which is at a base URL of its own.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn is_dateless(version: &str) -> bool {
    matches!(version, "v1" | "latest" | "preview")
}

/// A base URL with the provider's region and project in their places.
fn placed(url: &str, settings: &Provider, path: &str, problems: &mut Vec<Problem>) -> Option<String> {
    let before = problems.len();
    let mut placed = url.to_owned();
    for (field, place, value) in
        [("region", "{region}", &settings.region), ("project", "{project}", &settings.project)]
    {
        match value {
            Some(value) if !is_word(value) => {
                problems.push(Problem::new(
                    format!("{path}.{field}"),
                    "is a word of letters, digits and - _ . :",
                ));
            }
            Some(value) => placed = placed.replace(place, value),
            None if placed.contains(place) => {
                problems.push(Problem::new(path, format!("needs a `{field}`, or a `base_url`")));
            }
            None => {}
        }
    }
    // Vertex AI has no regional name for what runs anywhere.
    (problems.len() == before).then(|| placed.replace("//global-aiplatform.", "//aiplatform."))
}

/// The paths of what the provider speaks.
fn endpoints(settings: &Provider, preset: Option<&Preset>, base: &BaseUrl) -> Vec<Endpoint> {
    // Where a row begins with the version, the base ends before it, whatever the other rows begin with.
    let all = preset.map_or(&[][..], |preset| preset.endpoints);
    let versioned = |version: &&str| all.iter().any(|row| row.path.starts_with(&format!("{version}/")));
    let version = ["/v1", "/v2"].into_iter().filter(versioned).find(|version| base.path.ends_with(version));
    let base = &match version.and_then(|version| base.path.strip_suffix(version)) {
        Some(path) => BaseUrl { path: path.to_owned(), ..base.clone() },
        None => base.clone(),
    };
    let at = |row: &Row| Endpoint::new(row.operation, row.dialect, &base.join(row.path));
    let mut endpoints: Vec<Endpoint> = if preset.is_some_and(|preset| preset.name == "azure") {
        azure(settings, base)
    } else {
        rows(settings, preset, base).iter().map(at).collect()
    };
    if let Some(services) = &settings.services {
        let named =
            |operation| matches!(operation, Operation::Forward(service) if services.contains(&service));
        endpoints.retain(|e| !matches!(e.operation, Operation::Forward(_)) || named(e.operation));
        for service in services {
            let operation = Operation::Forward(*service);
            if !endpoints.iter().any(|endpoint| endpoint.operation == operation) {
                let version = if base_has_version(preset) { "" } else { "/v1" };
                let path = base.join(&format!("{version}{}", service.path()));
                endpoints.push(Endpoint::new(operation, service.dialect(), &path));
            }
        }
    }
    endpoints
}

/// The rows of the preset, and of them the one dialect of conversations that was asked for.
fn rows(settings: &Provider, preset: Option<&Preset>, base: &BaseUrl) -> Vec<Row> {
    let rows = preset.map_or(&[][..], |preset| preset.endpoints);
    let Some(wanted) = settings.dialect else { return rows.to_vec() };
    // A dialect that was asked for is the only one spoken in conversations; what else there is stays.
    let (chat, others): (Vec<Row>, Vec<Row>) = rows.iter().partition(|row| row.operation == Operation::Chat);
    let spoken = chat.into_iter().find(|row| row.dialect == wanted);
    let spoken = spoken.unwrap_or_else(|| usual_row(wanted, preset, base));
    let mut all: Vec<Row> = std::iter::once(spoken).chain(others).collect();
    if preset.is_none() {
        all.extend(usual_vectors(wanted));
        // Servers that speak Anthropic's dialect for Claude Code's sake can count; one that cannot says 404, and the
        // count is estimated.
        let counts = Row::count_tokens(wanted, "/v1/messages/count_tokens");
        all.extend((wanted == Dialect::Anthropic).then_some(counts));
    }
    all
}

/// Whether the base URL ends with the version: it does where the preset's own paths do not begin with it.
fn base_has_version(preset: Option<&Preset>) -> bool {
    preset.is_none_or(|preset| preset.endpoints.iter().all(|row| !row.path.starts_with("/v1")))
}

/// Where a dialect usually is, for a provider whose preset does not say.
fn usual_row(dialect: Dialect, preset: Option<&Preset>, base: &BaseUrl) -> Row {
    let base_has_version = base_has_version(preset);
    let path = match dialect {
        Dialect::OpenaiChat if base_has_version => "/chat/completions",
        Dialect::OpenaiChat => "/v1/chat/completions",
        Dialect::OpenaiCompletions if base_has_version => "/completions",
        Dialect::OpenaiCompletions => "/v1/completions",
        Dialect::Anthropic => "/v1/messages",
        Dialect::Gemini if base.path.rsplit('/').next().is_some_and(|last| last.starts_with("v1")) => {
            "/models/{model}:{generateContent|streamGenerateContent?alt=sse}"
        }
        Dialect::Gemini => "/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}",
        Dialect::OpenaiResponses if base_has_version => "/responses",
        Dialect::OpenaiResponses => "/v1/responses",
        Dialect::Cohere => "/v2/chat",
        Dialect::Bedrock => "/model/{model}/{converse|converse-stream}",
        Dialect::Ollama => "/api/chat",
        Dialect::OllamaGenerate => "/api/generate",
    };
    Row::chat(dialect, path)
}

/// Where embeddings and reranks usually are, for a provider of a dialect that is no preset.
fn usual_vectors(dialect: Dialect) -> Vec<Row> {
    match dialect {
        Dialect::OpenaiChat => vec![Row::embeddings(embedding::Format::Openai, "/embeddings")],
        Dialect::Ollama => vec![
            Row::embeddings(embedding::Format::Ollama, "/api/embed"),
            Row::embeddings(embedding::Format::OllamaPrompt, "/api/embeddings"),
        ],
        Dialect::Gemini => vec![
            Row::embeddings(embedding::Format::GeminiBatch, "/v1beta/models/{model}:batchEmbedContents"),
            Row::embeddings(embedding::Format::Gemini, "/v1beta/models/{model}:embedContent"),
        ],
        Dialect::Cohere => vec![
            Row::embeddings(embedding::Format::CohereV2, "/v2/embed"),
            Row::rerank(rerank::Format::V2, "/v2/rerank"),
        ],
        _ => Vec::new(),
    }
}

/// Azure's newer surface (`…/openai/v1`) takes the deployment in the body and has OpenAI's Responses too; the dated one
/// has the deployment in the path.
fn azure(settings: &Provider, base: &BaseUrl) -> Vec<Endpoint> {
    let is_new = base.path.ends_with("/openai/v1");
    let version = settings.api_version.as_deref().unwrap_or(AZURE_API_VERSION);
    let is_spoken = |row: &&Row| match row.dialect {
        _ if matches!(row.operation, Operation::Forward(Service::Responses | Service::ResponsesCompact)) => {
            is_new
        }
        _ if row.operation != Operation::Chat => true,
        // The dated surface has no Responses.
        Dialect::OpenaiResponses => {
            is_new && settings.dialect.is_none_or(|wanted| wanted == Dialect::OpenaiResponses)
        }
        _ => !is_new || settings.dialect != Some(Dialect::OpenaiResponses),
    };
    let at = |row: &Row| {
        let path = if is_new {
            base.join(row.path)
        } else {
            // What is no deployment's own is the resource's.
            let of_resource = matches!(row.operation, Operation::Forward(service) if !service.names_model());
            let above = if of_resource { "/openai" } else { "/openai/deployments/{model}" };
            format!("{}?api-version={version}", base.join(&format!("{above}{}", row.path)))
        };
        Endpoint::new(row.operation, row.dialect, &path)
    };
    preset("azure").map_or(&[][..], |preset| preset.endpoints).iter().filter(is_spoken).map(at).collect()
}

fn find_auth(
    settings: &Provider,
    preset: Option<&Preset>,
    endpoints: &[Endpoint],
    path: &str,
    problems: &mut Vec<Problem>,
) -> AuthPlan {
    if let Some(variable) = &settings.api_key_env {
        let at = format!("{path}.api_key_env");
        if !is_variable(variable) {
            // The value is not repeated: it may well be the key itself.
            problems
                .push(Problem::new(at, "must be the name of an environment variable, not the key itself"));
        } else if matches!(
            settings.auth,
            Some(AuthMode::Passthrough | AuthMode::Aws | AuthMode::Gcp | AuthMode::None)
        ) {
            let message = "has no use beside `auth: passthrough`, `auth: aws`, `auth: gcp` or `auth: none`";
            problems.push(Problem::new(at, message));
        }
    }
    let header = match preset {
        Some(preset) => preset.key_header,
        None if endpoints.first().is_some_and(|endpoint| endpoint.dialect == Dialect::Anthropic) => {
            KeyHeader::XApiKey
        }
        None => KeyHeader::Bearer,
    };
    let named = settings.api_key_env.as_deref();
    let usual = preset.and_then(|preset| preset.key_variable);
    match settings.auth {
        Some(AuthMode::None) => AuthPlan::None,
        Some(AuthMode::Passthrough) => AuthPlan::Passthrough,
        Some(AuthMode::Gcp) => AuthPlan::Gcp,
        Some(AuthMode::Aws) => {
            if settings.region.is_none() {
                problems.push(Problem::new(format!("{path}.auth"), "`aws` needs a `region` to sign for"));
            }
            AuthPlan::Aws { region: settings.region.clone().unwrap_or_default() }
        }
        mode @ (None | Some(AuthMode::Key)) => match named.or(usual) {
            Some(variable) => AuthPlan::Key {
                variable: variable.to_owned(),
                header,
                optional: mode.is_none()
                    && named.is_none()
                    && preset.is_some_and(|preset| preset.key_optional),
            },
            None if mode.is_some() => {
                problems.push(Problem::new(format!("{path}.auth"), "`key` needs `api_key_env`"));
                AuthPlan::None
            }
            None => AuthPlan::None,
        },
    }
}

/// Whether a text can be the name of an environment variable.
pub(crate) fn is_variable(name: &str) -> bool {
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts_well && name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
