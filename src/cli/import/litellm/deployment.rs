//! `model_list`: deployments become targets.

use super::super::fields::Fields;
use super::providers::{Known, by_model, by_prefix};
use super::settings::why_param;
use super::{Import, OS_ENVIRON};
use crate::config::schema::{Target, TargetEntry};
use yaml_serde::Value;

/// Request fields that a deployment may preset, for providers that speak OpenAI's dialect.
const OPENAI_PARAMS: [&str; 15] = [
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "response_format",
    "reasoning_effort",
    "parallel_tool_calls",
    "tool_choice",
    "service_tier",
    "verbosity",
];

/// The same for Anthropic's; `stop` is called otherwise there.
const ANTHROPIC_PARAMS: [&str; 5] = ["temperature", "top_p", "top_k", "thinking", "metadata"];

/// The same for Cohere's.
const COHERE_PARAMS: [&str; 4] = ["temperature", "seed", "frequency_penalty", "presence_penalty"];

/// The same for Gemini's and Bedrock's, which have them within an object and under names of their own.
const GEMINI_PARAMS: [(&str, &str); 7] = [
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("top_k", "topK"),
    ("seed", "seed"),
    ("presence_penalty", "presencePenalty"),
    ("frequency_penalty", "frequencyPenalty"),
    ("stop", "stopSequences"),
];
const BEDROCK_PARAMS: [(&str, &str); 3] =
    [("temperature", "temperature"), ("top_p", "topP"), ("stop", "stopSequences")];

/// What a deployment may be for.
const MODES: [&str; 11] = [
    "chat",
    "completion",
    "responses",
    "embedding",
    "rerank",
    "image_generation",
    "image_edit",
    "audio_speech",
    "audio_transcription",
    "moderation",
    "batch",
];

impl Import<'_> {
    /// Remembers `credential_list`.
    pub(super) fn credential_list(&mut self, list: Option<Value>) {
        let Some(Value::Sequence(list)) = list else { return };
        for (index, item) in list.into_iter().enumerate() {
            let path = format!("credential_list[{index}]");
            let mut fields = Fields::of(Some(item), &path, &mut self.report);
            let name = fields.text("credential_name", &mut self.report);
            let values = fields.take("credential_values");
            let values = Fields::of(values, &fields.at("credential_values"), &mut self.report);
            if let Some(name) = name {
                self.credentials.insert(name, values.into_rest().collect());
            }
            fields.leave(|_| "describes the credential; it has no effect", &mut self.report);
        }
    }

    /// All deployments.
    pub(super) fn model_list(&mut self, list: Option<Value>) -> Result<(), String> {
        let Some(Value::Sequence(list)) = list else {
            return Err("this is no LiteLLM configuration: there is no `model_list`".to_owned());
        };
        for (index, item) in list.into_iter().enumerate() {
            let path = format!("model_list[{index}]");
            let mut fields = Fields::of(Some(item), &path, &mut self.report);
            let Some(name) = fields.text("model_name", &mut self.report) else {
                fields.leave(|_| "the deployment has no `model_name`", &mut self.report);
                continue;
            };
            if let Err(why) = check_name(&name) {
                self.report.left(&path, format!("`{name}`: {why}"));
                continue;
            }
            self.deployment(fields, &name);
        }
        if self.models.everything {
            self.everything();
        }
        self.models.settle(&mut self.report);
        Ok(())
    }

    /// One deployment.
    fn deployment(&mut self, mut fields: Fields, name: &str) {
        let params = fields.take("litellm_params");
        let mut params = Fields::of(params, &fields.at("litellm_params"), &mut self.report);
        let info = fields.take("model_info");
        let mut info = Fields::of(info, &fields.at("model_info"), &mut self.report);
        if let Some(credential) = params.text("litellm_credential_name", &mut self.report) {
            if let Some(values) = self.credentials.get(&credential) {
                for (name, value) in values {
                    params.fill(name, value.clone());
                }
            } else {
                let at = params.at("litellm_credential_name");
                self.report.left(at, "names a credential that is not in `credential_list`");
            }
        }
        let carried = self.target(&mut params, &mut info, name);
        if let Err(why) = carried {
            self.report.left(&fields.path, format!("`{name}`: {why}"));
            return;
        }
        params.leave(why_param, &mut self.report);
        info.leave(why_info, &mut self.report);
        fields.leave(|_| "has no counterpart", &mut self.report);
    }

    /// The target of one deployment, entered under its model's name; or why there is none.
    fn target(&mut self, params: &mut Fields, info: &mut Fields, name: &str) -> Result<(), String> {
        let mode = info.text("mode", &mut self.report);
        if let Some(mode) = mode.as_deref().filter(|mode| !MODES.contains(mode)) {
            return Err(format!("its mode is `{mode}`, which the gateway does not carry"));
        }
        let model = params.text("model", &mut self.report).ok_or("`litellm_params.model` is missing")?;
        let asked = params.text("custom_llm_provider", &mut self.report);
        let is_everything = model == "*" && asked.is_none();
        if is_everything {
            if name != "*" {
                return Err("its model is `*`, without a provider".to_owned());
            }
            let how =
                "`*` became gpt-*, claude-*, openai/* and anthropic/*; add a pattern for each other provider";
            self.report.changed(params.at("model"), how);
            self.models.everything = true;
            return Ok(());
        }
        let Resolved { known, model, responses } = resolve(&model, asked.as_deref())?;
        match model.matches('*').count() {
            0 => {}
            1 if name.contains('*') => {}
            1 => return Err("its model has a `*`, which stands for nothing under a plain name".to_owned()),
            _ => return Err("its model has more than one `*`".to_owned()),
        }
        let place = self.bare_model(params, known.preset, model)?;
        let (preset_name, mut provider) = self.provider(params, known, &place)?;
        if responses || mode.as_deref() == Some("responses") {
            self.through_responses(preset_name, &params.at("model"), &mut provider);
        }
        let model = place.model;
        let allowance = self.allowance(params);
        let may_have = |provider: &str| self.quotas.can_share(name, (provider, &model), allowance);
        let provider = self.providers.name(preset_name, provider, may_have);
        let short = format!("{provider}/{model}");
        self.allow(name, &short, allowance);
        let target =
            self.changes(params, preset_name, Target { provider, model: model.clone(), ..Target::default() });
        self.price(params, info, preset_name, &short);
        let retries = self.retries(params);
        let order = params.number("order", &mut self.report);
        let weight = params.number("weight", &mut self.report);
        if weight.is_some_and(|weight| weight < 0.0) {
            self.report.left(params.at("weight"), "is below zero");
        }
        let mut target = target;
        target.timeout = self.seconds(params, "timeout");
        target.stream_timeout = self.seconds(params, "stream_timeout");
        target.context_window = self.amount(info, "max_input_tokens");
        if target.context_window.is_some() {
            let how = "is `context_window`: what is estimated to be longer, with the output that is asked for, goes to the others";
            self.report.changed(info.at("max_input_tokens"), how);
        }
        let plain =
            Target { provider: target.provider.clone(), model: target.model.clone(), ..Target::default() };
        let entry = if target == plain { TargetEntry::Short(short) } else { TargetEntry::Full(target) };
        #[expect(clippy::cast_precision_loss, reason = "shares of a load")]
        let flow = [allowance.requests, allowance.tokens].map(|amount| amount.map(|amount| amount as f64));
        let [requests, tokens] = flow;
        let shares = [weight.filter(|weight| *weight >= 0.0), requests, tokens];
        self.models.add(name, entry, order, retries, shares);
        Ok(())
    }

    /// `*` leading to `*`: LiteLLM guesses the provider of whatever is asked. Patterns can do that for names that begin
    /// with their provider, and for the two families that everybody knows.
    fn everything(&mut self) {
        for (pattern, target) in [
            ("gpt-*", "openai/gpt-*"),
            ("claude-*", "anthropic/claude-*"),
            ("openai/*", "openai/*"),
            ("anthropic/*", "anthropic/*"),
        ] {
            self.models.add_if_new(pattern, target);
        }
    }

    /// The request fields that a deployment presets.
    fn changes(&mut self, params: &mut Fields, preset_name: &str, mut target: Target) -> Target {
        let is_anthropic = matches!(preset_name, "anthropic" | "bedrock_anthropic" | "vertex_anthropic");
        let mut changed = Vec::new();
        // Two names of one limit: a target has it under one, and writes it as its provider calls it.
        for name in ["max_tokens", "max_completion_tokens"] {
            let Some(tokens) = self.amount(params, name) else { continue };
            if target.max_tokens.is_some() {
                self.report.left(params.at(name), "`max_tokens` is the output limit already");
            } else {
                target.max_tokens = Some(tokens);
                changed.push(name);
            }
        }
        let names: &[&'static str] = match preset_name {
            _ if is_anthropic => &ANTHROPIC_PARAMS,
            "gemini" | "vertex" | "bedrock" => &[],
            "cohere" => &COHERE_PARAMS,
            _ => &OPENAI_PARAMS,
        };
        for name in names {
            if let Some(value) = params.take(name) {
                match json(&value) {
                    Some(value) => {
                        target.params.push(*name, value);
                        changed.push(name);
                    }
                    None => self.report.left(params.at(name), "cannot be written as JSON"),
                }
            }
        }
        if let Some(stop) = is_anthropic.then(|| params.take("stop")).flatten() {
            target.params.push("stop_sequences", list(&stop));
            changed.push("stop");
        }
        let (place, within): (_, &[_]) = match preset_name {
            "gemini" | "vertex" => ("generationConfig", &GEMINI_PARAMS),
            "bedrock" => ("inferenceConfig", &BEDROCK_PARAMS),
            _ => ("", &[]),
        };
        let mut settings = serde_json::Map::new();
        for (name, theirs) in within {
            let Some(value) = params.take(name) else { continue };
            let value = if *name == "stop" { Some(list(&value)) } else { json(&value) };
            match value {
                Some(value) => {
                    settings.insert((*theirs).to_owned(), value);
                    changed.push(name);
                }
                None => self.report.left(params.at(name), "cannot be written as JSON"),
            }
        }
        if !settings.is_empty() {
            target.params.push(place, serde_json::Value::Object(settings));
        }
        if let Some(extra) = params.take("extra_body") {
            let path = params.at("extra_body");
            for (name, value) in Fields::of(Some(extra), &path, &mut self.report).into_rest() {
                let is_free = target.params.get(&name).is_none()
                    && !matches!(name.as_str(), "model" | "messages" | "stream" | "stream_options");
                match json(&value).filter(|_| is_free) {
                    Some(value) => target.params.push(name, value),
                    None => {
                        self.report
                            .left(format!("{path}.{name}"), "is set already, or not a target's to set");
                    }
                }
            }
        }
        for name in changed {
            self.report
                .changed(params.at(name), "replaces the client's own value; in LiteLLM the client's wins");
        }
        target
    }

    /// Tries of the deployment's own beyond the first, which here are its model's.
    fn retries(&mut self, params: &mut Fields) -> Option<u32> {
        let retries = match self.count(params, "num_retries") {
            Some(retries) => Some(retries),
            None => self.count(params, "max_retries"),
        };
        retries.map(|retries| u32::try_from(retries).unwrap_or(u32::MAX))
    }
}

/// What LiteLLM's name of a model says.
struct Resolved {
    known: &'static Known,
    model: String,
    /// Whether it is asked through OpenAI's Responses.
    responses: bool,
}

/// The provider and its model's name.
fn resolve(model: &str, asked: Option<&str>) -> Result<Resolved, String> {
    let unknown = |prefix: &str| format!("its provider `{prefix}` has no preset here");
    let (known, model) = match (asked, model.split_once('/')) {
        (Some(asked), _) => {
            let bare = model.strip_prefix(asked).and_then(|rest| rest.strip_prefix('/'));
            (by_prefix(asked).ok_or_else(|| unknown(asked))?, bare.unwrap_or(model))
        }
        (None, Some((prefix, rest))) => (by_prefix(prefix).ok_or_else(|| unknown(prefix))?, rest),
        (None, None) => {
            (by_model(model).ok_or_else(|| format!("the provider of `{model}` is not named"))?, model)
        }
    };
    if model.starts_with(OS_ENVIRON) || model.is_empty() {
        return Err("its model has no name".to_owned());
    }
    let responses = model.strip_prefix("responses/");
    // LiteLLM's own routing hints, in front of the deployment's name.
    let hint = || ["chat/", "o_series/", "gpt5_series/"].iter().find_map(|hint| model.strip_prefix(hint));
    let bare = responses.or_else(hint).unwrap_or(model);
    let model = match bare.split_once('/') {
        // Who runs the model stands in front of it there, and behind it at the router itself.
        Some((host, model)) if known.preset == "huggingface" && model.contains('/') => {
            format!("{model}:{host}")
        }
        _ => bare.to_owned(),
    };
    Ok(Resolved { known, model, responses: responses.is_some() })
}

/// What is wrong with a public name.
pub(super) fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > 256 || name.trim() != name || name.chars().any(char::is_control) {
        return Err("a name is 1 to 256 bytes, without control characters and outer spaces");
    }
    if name.matches('*').count() > 1 {
        return Err("a pattern has one `*`");
    }
    Ok(())
}

/// Why a field of `model_info` stays behind.
fn why_info(name: &str) -> &'static str {
    match name {
        "access_groups" | "team_id" | "team_public_model_name" => {
            "restricts who may ask: here the models of a key do that (`tollgate key new`)"
        }
        "base_model" => "a price of the deployment's own counts",
        _ => "describes the model; nothing here depends on it",
    }
}

/// A number of things.
pub(super) fn whole(number: f64) -> Option<u64> {
    // Both bounds are exact in a double.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked in the same line")]
    ((0.0..=9_007_199_254_740_992.0).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// One text or several, as a list.
fn list(value: &Value) -> serde_json::Value {
    serde_json::Value::Array(match value {
        Value::String(text) => vec![text.as_str().into()],
        Value::Sequence(items) => items.iter().filter_map(json).collect(),
        _ => Vec::new(),
    })
}

/// A value as JSON.
fn json(value: &Value) -> Option<serde_json::Value> {
    serde_json::to_value(value).ok()
}
