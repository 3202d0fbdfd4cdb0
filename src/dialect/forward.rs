//! Requests that are routed and metered, but not translated: what they carry is one provider's own.

use super::{Call, Dialect, Operation};
use serde::{Deserialize, Serialize};

/// A service that providers offer beside conversations. The order is that of the table of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// OpenAI's `/v1/moderations`.
    Moderations,
    /// OpenAI's `/v1/images/generations`.
    ImageGenerations,
    /// OpenAI's `/v1/images/edits`.
    ImageEdits,
    /// OpenAI's `/v1/images/variations`.
    ImageVariations,
    /// OpenAI's `/v1/audio/speech`.
    Speech,
    /// OpenAI's `/v1/audio/transcriptions`.
    Transcriptions,
    /// OpenAI's `/v1/audio/translations`.
    Translations,
    /// OpenAI's `/v1/files`.
    Files,
    /// OpenAI's `/v1/batches`.
    Batches,
    /// OpenAI's `/v1/responses/compact`: a conversation made short, part of it sealed.
    ResponsesCompact,
    /// Stored answers of OpenAI's `/v1/responses`, by id.
    Responses,
    /// Anthropic's `/v1/messages/batches`.
    MessageBatches,
    /// Anthropic's `/v1/files`.
    AnthropicFiles,
}

/// Where a service lives, and what is allowed there.
#[derive(Debug)]
struct Place {
    service: Service,
    /// The path without prefix and version.
    root: &'static str,
    /// What may follow, with the methods it takes; `*` stands for an id.
    below: &'static [(&'static str, &'static str)],
}

const POST: &[(&str, &str)] = &[("", "POST")];

/// The paths, as the API references of OpenAI and Anthropic have them.
const PLACES: &[Place] = &[
    Place { service: Service::Moderations, root: "/moderations", below: POST },
    Place { service: Service::ImageGenerations, root: "/images/generations", below: POST },
    Place { service: Service::ImageEdits, root: "/images/edits", below: POST },
    Place { service: Service::ImageVariations, root: "/images/variations", below: POST },
    Place { service: Service::Speech, root: "/audio/speech", below: POST },
    Place { service: Service::Transcriptions, root: "/audio/transcriptions", below: POST },
    Place { service: Service::Translations, root: "/audio/translations", below: POST },
    Place {
        service: Service::Files,
        root: "/files",
        below: &[("", "GET, POST"), ("/*", "GET, DELETE"), ("/*/content", "GET")],
    },
    Place {
        service: Service::Batches,
        root: "/batches",
        below: &[("", "GET, POST"), ("/*", "GET"), ("/*/cancel", "POST")],
    },
    // Before the ids, as one of which it could be taken.
    Place { service: Service::ResponsesCompact, root: "/responses/compact", below: POST },
    Place {
        service: Service::Responses,
        root: "/responses",
        below: &[("/*", "GET, DELETE"), ("/*/cancel", "POST"), ("/*/input_items", "GET")],
    },
    Place {
        service: Service::MessageBatches,
        root: "/messages/batches",
        below: &[("", "GET, POST"), ("/*", "GET, DELETE"), ("/*/cancel", "POST"), ("/*/results", "GET")],
    },
    // Told from OpenAI's by a header: see `Forward::of_anthropic`.
    Place { service: Service::AnthropicFiles, root: "/files", below: &[] },
];

/// Longest id in a path, in bytes: those of providers have up to about a hundred.
const LONGEST_ID: usize = 256;

/// One request to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// Which.
    pub service: Service,
    /// The method.
    pub method: String,
    /// What follows the service's own path: nothing, or an id and a word.
    pub below: String,
    /// The model, where the path names it.
    pub model: Option<String>,
}

/// What lives at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A service.
    Forward(Forward),
    /// A service that takes other methods here.
    WrongMethod(&'static str),
}

impl Service {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        PLACES.iter().map(|place| place.service)
    }

    /// The name used in config and errors.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Moderations => "moderations",
            Self::ImageGenerations => "image_generations",
            Self::ImageEdits => "image_edits",
            Self::ImageVariations => "image_variations",
            Self::Speech => "speech",
            Self::Transcriptions => "transcriptions",
            Self::Translations => "translations",
            Self::Files => "files",
            Self::Batches => "batches",
            Self::ResponsesCompact => "responses_compact",
            Self::Responses => "responses",
            Self::MessageBatches => "message_batches",
            Self::AnthropicFiles => "anthropic_files",
        }
    }

    /// Its path without the version.
    pub fn path(self) -> &'static str {
        PLACES.iter().find(|place| place.service == self).map_or("", |place| place.root)
    }

    /// The dialect whose errors its clients read.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::MessageBatches | Self::AnthropicFiles => Dialect::Anthropic,
            _ => Dialect::OpenaiChat,
        }
    }

    /// Whether its requests name a model, in a field of their JSON or their form.
    pub fn names_model(self) -> bool {
        !matches!(
            self,
            Self::Files | Self::Batches | Self::Responses | Self::MessageBatches | Self::AnthropicFiles
        )
    }

    /// Whether the usage in its answers is its own, and not that of a request that was counted before.
    pub fn is_metered(self) -> bool {
        self.names_model() && self != Self::Moderations
    }
}

impl Forward {
    /// What a path without prefix and version leads to.
    pub fn find(method: &str, path: &str) -> Option<Found> {
        PLACES.iter().find_map(|place| {
            let below = path.strip_prefix(place.root)?;
            let (_, allowed) = place.below.iter().find(|(pattern, _)| fits(below, pattern))?;
            if !allowed.split(", ").any(|known| known == method) {
                return Some(Found::WrongMethod(allowed));
            }
            let (service, method, below) = (place.service, method.to_owned(), below.to_owned());
            Some(Found::Forward(Self { service, method, below, model: None }))
        })
    }

    /// The same request of a client that speaks Anthropic: both makers have a service called files.
    #[must_use]
    pub fn of_anthropic(self) -> Self {
        let service = if self.service == Service::Files { Service::AnthropicFiles } else { self.service };
        Self { service, ..self }
    }

    /// The request as the tables know it.
    pub fn call(&self) -> Call {
        Call { operation: Operation::Forward(self.service), ..Call::chat(self.service.dialect()) }
    }

    /// Whether doing it twice does no more than doing it once, so that a try that failed may be repeated although
    /// nobody can tell how far it came.
    pub fn may_repeat(&self) -> bool {
        self.method != "POST" || self.service.names_model()
    }
}

/// Whether a path is of a pattern's shape. What stands for `*` cannot lead anywhere else.
fn fits(path: &str, pattern: &str) -> bool {
    let (mut path, mut pattern) = (path.split('/'), pattern.split('/'));
    loop {
        match (path.next(), pattern.next()) {
            (None, None) => return true,
            (Some(id), Some("*")) if is_id(id) => {}
            (Some(word), Some(wanted)) if word == wanted && wanted != "*" => {}
            _ => return false,
        }
    }
}

fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !id.is_empty()
        && id.len() <= LONGEST_ID
        && id.bytes().all(is_plain)
        && id.bytes().any(|byte| byte != b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &str, path: &str) -> Option<(Service, String)> {
        match Forward::find(method, path) {
            Some(Found::Forward(forward)) => Some((forward.service, forward.below)),
            _ => None,
        }
    }

    #[test]
    fn every_service_is_found_under_its_name() {
        for (method, path, service, below) in [
            ("POST", "/moderations", Service::Moderations, ""),
            ("POST", "/images/edits", Service::ImageEdits, ""),
            ("GET", "/files", Service::Files, ""),
            ("GET", "/files/file-1_a.b/content", Service::Files, "/file-1_a.b/content"),
            ("POST", "/responses/compact", Service::ResponsesCompact, ""),
            ("DELETE", "/responses/resp_1", Service::Responses, "/resp_1"),
            ("POST", "/batches/b/cancel", Service::Batches, "/b/cancel"),
            ("GET", "/messages/batches/msgbatch_1/results", Service::MessageBatches, "/msgbatch_1/results"),
        ] {
            assert_eq!(find(method, path), Some((service, below.into())), "{path}");
        }
        for service in Service::all() {
            assert_eq!(serde_json::to_value(service).unwrap(), service.as_str());
            assert!(!service.path().is_empty());
        }
    }

    #[test]
    fn another_method_is_told_from_another_path() {
        assert_eq!(Forward::find("PUT", "/files"), Some(Found::WrongMethod("GET, POST")));
        assert_eq!(Forward::find("POST", "/batches/b"), Some(Found::WrongMethod("GET")));
        for path in
            ["/filesystem", "/files/", "/files/a/other", "/responses", "/images", "/files/a/b/content"]
        {
            assert_eq!(Forward::find("GET", path), None, "{path}");
        }
    }

    #[test]
    fn an_id_leads_nowhere_else() {
        let long = "x".repeat(257);
        for id in ["..", ".", "", "a%2Fb", "a b", "%2e%2e", "\u{e9}", &long] {
            assert_eq!(Forward::find("GET", &format!("/files/{id}")), None, "{id}");
        }
    }

    #[test]
    fn files_of_anthropic_are_others() {
        let Some(Found::Forward(forward)) = Forward::find("GET", "/files") else { panic!("found") };
        assert_eq!(forward.clone().of_anthropic().call().dialect, Dialect::Anthropic);
        assert_eq!(forward.call().operation, Operation::Forward(Service::Files));
        assert!(forward.may_repeat());
        let made = Forward { method: "POST".into(), ..forward };
        assert!(!made.may_repeat());
    }
}
