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

/// A model without LiteLLM's word for the API of Bedrock's that it is asked through.
pub(super) fn bare_model(preset: &str, model: String) -> String {
    if preset != "bedrock" {
        return model;
    }
    let bare = ["converse/", "invoke/", "converse_like/"].iter().find_map(|hint| model.strip_prefix(hint));
    bare.map(ToOwned::to_owned).unwrap_or(model)
}

impl Import<'_> {
    /// Region, project and credentials of a deployment in a cloud; nothing for any other.
    ///
    /// # Errors
    /// Why the deployment cannot be carried over: its place or its project is not known, or its model is asked otherwise.
    pub(super) fn cloud(
        &mut self,
        params: &mut Fields,
        (preset, model): (&str, &str),
        settings: &mut Provider,
    ) -> Result<(), String> {
        match preset {
            "bedrock" => {
                let region = self.place(params, &["aws_region_name"], &["AWS_REGION_NAME", "AWS_REGION"])?;
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
