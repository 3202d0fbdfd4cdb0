//! Deployments in clouds: where they run, and whose credentials they use.

use super::super::fields::Fields;
use super::{Import, variable};
use crate::config::schema::{AuthMode, Provider};

/// Where Vertex AI looks for a deployment that says no place.
const USUAL_LOCATION: &str = "us-central1";

/// The preset for a model of a cloud: Claude on Vertex AI speaks Anthropic's dialect.
pub(super) fn preset_for(preset: &'static str, model: &str) -> &'static str {
    if preset == "vertex" && model.starts_with("claude") { "vertex_anthropic" } else { preset }
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
    /// Why the deployment cannot be carried over: its place or its project is not known.
    pub(super) fn cloud(
        &mut self,
        params: &mut Fields,
        preset: &str,
        settings: &mut Provider,
    ) -> Result<(), String> {
        match preset {
            "bedrock" => {
                let region = self.place(params, &["aws_region_name"], &["AWS_REGION_NAME", "AWS_REGION"]);
                settings.region = Some(region.ok_or("it needs an `aws_region_name`")?);
                if !params.has("api_key") {
                    settings.auth = Some(AuthMode::Aws);
                }
            }
            "vertex" | "vertex_anthropic" => {
                let names = ["vertex_location", "vertex_ai_location"];
                let region = self.place(params, &names, &["VERTEXAI_LOCATION", "VERTEX_LOCATION"]);
                settings.region = Some(region.unwrap_or_else(|| USUAL_LOCATION.to_owned()));
                let names = ["vertex_project", "vertex_ai_project"];
                let project = self.place(params, &names, &["VERTEXAI_PROJECT", "VERTEX_PROJECT"]);
                settings.project = Some(project.ok_or("it needs a `vertex_project`")?);
                settings.auth = Some(AuthMode::Gcp);
            }
            _ => {}
        }
        Ok(())
    }

    /// A value that stands under one of these names, or in the variable that is named there, or in one that LiteLLM
    /// knows.
    fn place(&mut self, params: &mut Fields, names: &[&str], variables: &[&str]) -> Option<String> {
        let mut told = None;
        for name in names {
            told = told.or(params.text(name, &mut self.report));
        }
        match told.as_deref().map(|told| (told, variable(told))) {
            Some((_, Some(name))) => (self.env)(name),
            Some((literal, None)) => Some(literal.to_owned()),
            None => variables.iter().find_map(|name| (self.env)(name)),
        }
    }
}
