//! Azure OpenAI's paths, as its REST reference has them: `/openai/deployments/{name}/…`, where a deployment is a model of
//! the gateway's; `/openai/v1/…` of the version that needs no `api-version`; and `/openai/…` for what belongs to no
//! deployment. What follows is OpenAI's own.

use super::decoded;

/// Takes Azure's beginning off a path without prefix: what is left, and the model where the path names it. Any other
/// path comes back as it is.
pub(super) fn open(path: &str) -> (&str, Option<String>) {
    let Some(rest) = path.strip_prefix("/openai").filter(|rest| rest.starts_with('/')) else {
        return (path, None);
    };
    let deployment = rest.strip_prefix("/deployments/").and_then(|rest| {
        let (name, _) = rest.split_once('/').filter(|(name, _)| !name.is_empty())?;
        Some((name, rest.get(name.len()..)?))
    });
    match deployment {
        Some((name, rest)) => (rest, Some(decoded(name))),
        None => (rest, None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Surface, find};
    use super::*;
    use crate::dialect::{Call, Dialect, Service};

    #[test]
    fn a_deployment_is_a_model() {
        for (path, dialect, model) in [
            (
                "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
                Dialect::OpenaiChat,
                "gpt-4o",
            ),
            (
                "/openai/deployments/anthropic%2Fclaude/chat/completions",
                Dialect::OpenaiChat,
                "anthropic/claude",
            ),
            ("/openai/deployments/d/completions", Dialect::OpenaiCompletions, "d"),
        ] {
            let asked = Call { model: Some(model.into()), ..Call::chat(dialect) };
            assert_eq!(find("POST", path, ""), Surface::Ask(asked.clone()), "{path}");
            assert_eq!(find("POST", &format!("/llm{path}"), "/llm"), Surface::Ask(asked), "{path}");
        }
        let found = find("POST", "/openai/deployments/d/images/generations?api-version=1", "");
        let Surface::Forward(forward) = found else { panic!("a service") };
        assert_eq!((forward.service, forward.model.as_deref()), (Service::ImageGenerations, Some("d")));
    }

    #[test]
    fn what_belongs_to_no_deployment() {
        let responses = Surface::Ask(Call::chat(Dialect::OpenaiResponses));
        for path in ["/openai/v1/responses", "/openai/responses?api-version=preview"] {
            assert_eq!(find("POST", path, ""), responses, "{path}");
        }
        assert_eq!(find("GET", "/openai/models", ""), Surface::Models);
        for path in
            ["/openai", "/openai/deployments/d", "/openai/deployments//chat/completions", "/openaix/models"]
        {
            assert_eq!(find("GET", path, ""), Surface::Unknown, "{path}");
        }
        assert_eq!(find("GET", "/openai/deployments/d/chat/completions", ""), Surface::WrongMethod("POST"));
        assert_eq!(open("/v1/openai/x"), ("/v1/openai/x", None));
    }
}
