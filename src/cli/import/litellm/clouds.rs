//! Deployments in clouds: where they run, and whose credentials they use.

use super::super::fields::Fields;
use super::{Import, variable};
use crate::config::schema::{AuthMode, Provider};
use crate::config::upstream::is_word;

/// Where Vertex AI looks for a deployment that says no place.
const USUAL_LOCATION: &str = "us-central1";

/// The preset for a model of a cloud: Claude on Vertex AI speaks Anthropic's dialect.
pub(super) fn preset_for(preset: &'static str, model: &str) -> &'static str {
    if preset == "vertex" && model.starts_with("claude") { "vertex_anthropic" } else { preset }
}

/// Whether Vertex AI serves a model as one of Google's own; other makers' and tuned ones are asked at other addresses.
fn is_googles(model: &str) -> bool {
    const FAMILIES: [&str; 6] =
        ["*", "gemini-", "text-embedding-", "text-multilingual-", "textembedding", "multimodal"];
    FAMILIES.iter().any(|family| model.starts_with(family)) && !model.contains('/')
}

/// A model of Bedrock's, without the words that LiteLLM has in front of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Bare {
    pub(super) model: String,
    /// The region that stood there, or in its ARN.
    pub(super) region: Option<String>,
}

/// Takes LiteLLM's words off a model: the API of Bedrock's that it is asked through, a region, and whose manners a model
/// with an ARN has.
///
/// # Errors
/// A word is left that stands for an API other than Converse.
pub(super) fn bare_model(preset: &str, model: String) -> Result<Bare, String> {
    if preset != "bedrock" {
        return Ok(Bare { model, region: None });
    }
    let without = |model: &str, words: &[&str]| {
        let bare = words.iter().find_map(|word| model.strip_prefix(word)?.strip_prefix('/'));
        bare.unwrap_or(model).to_owned()
    };
    let mut model = without(&model, &["converse", "invoke", "converse_like", "chat_completions"]);
    let mut region = None;
    if let Some((first, rest)) = model.split_once('/')
        && is_region(first)
    {
        (region, model) = (Some(first.to_owned()), rest.to_owned());
    }
    let model = without(&model, &["nova", "nova-2"]);
    match model.split_once('/') {
        Some((word, _)) if !model.starts_with("arn:") => {
            Err(format!("Bedrock is asked through Converse, and not in the way that `{word}/` stands for"))
        }
        _ => Ok(Bare { region: region.or_else(|| region_of(&model)), model }),
    }
}

/// Whether a word has the form of one of AWS's regions: `eu-central-1`, `us-gov-west-1`.
fn is_region(word: &str) -> bool {
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = word.rsplit_once('-').map(|(place, number)| (place.matches('-').count(), place, number));
    parts.is_some_and(|(dashes, place, number)| {
        dashes > 0 && place.split('-').all(is_word) && is_number(number)
    })
}

/// The region in an ARN, such as `arn:aws:bedrock:us-east-1:123:inference-profile/x`.
fn region_of(model: &str) -> Option<String> {
    let region = model.strip_prefix("arn:")?.split(':').nth(2)?;
    is_region(region).then(|| region.to_owned())
}

impl Import<'_> {
    /// A deployment's model without LiteLLM's words; at Bedrock, the ID that stands in a field of its own.
    pub(super) fn bare_model(
        &mut self,
        params: &mut Fields,
        preset: &str,
        model: String,
    ) -> Result<Bare, String> {
        let bare = bare_model(preset, model)?;
        let id = if preset == "bedrock" { params.text("model_id", &mut self.report) } else { None };
        Ok(match id {
            Some(model) => Bare { region: region_of(&model).or(bare.region), model },
            None => bare,
        })
    }

    /// Region, project and credentials of a deployment in a cloud; nothing for any other. `region` is that of the model's
    /// own name.
    ///
    /// # Errors
    /// Why the deployment cannot be carried over: its place or its project is not known, or its model is asked otherwise.
    pub(super) fn cloud(
        &mut self,
        params: &mut Fields,
        (preset, model, region): (&str, &str, Option<&str>),
        settings: &mut Provider,
    ) -> Result<(), String> {
        match preset {
            "bedrock" => {
                let told = self.place(params, &["aws_region_name"], &[])?;
                let usual = || ["AWS_REGION_NAME", "AWS_REGION"].iter().find_map(|name| (self.env)(name));
                let region = told.or(region.map(ToOwned::to_owned)).or_else(usual);
                settings.region = Some(region.ok_or("it needs an `aws_region_name`")?);
                if !params.has("api_key") {
                    settings.auth = Some(AuthMode::Aws);
                }
            }
            "vertex" if !is_googles(model) => {
                return Err(format!(
                    "Vertex AI is asked for Google's own models and for Claude, not for `{model}`"
                ));
            }
            "vertex" | "vertex_anthropic" => {
                let names = ["vertex_location", "vertex_ai_location"];
                let region = self.place(params, &names, &["VERTEXAI_LOCATION", "VERTEX_LOCATION"])?;
                settings.region = Some(region.unwrap_or_else(|| USUAL_LOCATION.to_owned()));
                let names = ["vertex_project", "vertex_ai_project"];
                let project = self.place(params, &names, &["VERTEXAI_PROJECT", "VERTEX_PROJECT"])?;
                settings.project = Some(project.ok_or("it needs a `vertex_project`")?);
                settings.auth = Some(AuthMode::Gcp);
            }
            _ => {}
        }
        Ok(())
    }

    /// A value that stands under one of these names, or in the variable that is named there, or in one that LiteLLM
    /// knows.
    ///
    /// # Errors
    /// The variable that is named there is not set, or what is told cannot be it: another place would be a wrong one.
    fn place(
        &mut self,
        params: &mut Fields,
        names: &[&str],
        variables: &[&str],
    ) -> Result<Option<String>, String> {
        let mut told = None;
        for name in names {
            let text = params.text(name, &mut self.report).map(|text| (*name, text));
            told = told.or(text);
        }
        let Some((field, told)) = told else { return Ok(variables.iter().find_map(|name| (self.env)(name))) };
        let told = match variable(&told) {
            Some(name) => (self.env)(name).ok_or_else(|| {
                format!("its {field} is in the variable {name}, which is not set: set it and import again")
            })?,
            None => told,
        };
        if is_word(&told) {
            Ok(Some(told))
        } else {
            Err(format!("its {field} is no word of letters, digits and - _ . :"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_front_of_a_model_of_bedrock_are_taken_off() {
        const ARN: &str = "arn:aws:bedrock:us-east-1:123:custom-model-deployment/x";
        for (written, model, region) in [
            ("anthropic.claude-v2", "anthropic.claude-v2", None),
            ("converse/us.anthropic.claude-v2", "us.anthropic.claude-v2", None),
            ("us-gov-west-1/anthropic.claude-v2", "anthropic.claude-v2", Some("us-gov-west-1")),
            ("converse/eu-central-1/nova/x", "x", Some("eu-central-1")),
            ("invoke/*", "*", None),
            ("nova-2/amazon.nova-2-lite", "amazon.nova-2-lite", None),
            (&format!("nova/{ARN}"), ARN, Some("us-east-1")),
            (&format!("eu-west-1/{ARN}"), ARN, Some("eu-west-1")),
        ] {
            let expected = Bare { model: model.to_owned(), region: region.map(ToOwned::to_owned) };
            assert_eq!(bare_model("bedrock", written.to_owned()), Ok(expected), "{written}");
        }
        let other = bare_model("openai", "nova/x".to_owned());
        assert_eq!(other.map(|bare| bare.model), Ok("nova/x".to_owned()));
    }

    #[test]
    fn other_ways_to_ask_bedrock_are_refused() {
        for (written, word) in [
            ("agent/L1RT/MFPS", "agent/"),
            ("agentcore/arn:aws:x", "agentcore/"),
            ("async_invoke/amazon.x", "async_invoke/"),
            ("deepseek_r1/arn:aws:bedrock:us-east-1:123:imported-model/x", "deepseek_r1/"),
            ("us-east-1/1-month-commitment/anthropic.claude-v2", "1-month-commitment/"),
        ] {
            let refused = bare_model("bedrock", written.to_owned()).unwrap_err();
            assert!(refused.contains(&format!("`{word}`")), "{refused}");
        }
    }
}
