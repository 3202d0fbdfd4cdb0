//! `router_settings`, `litellm_settings` and `general_settings`.

use super::super::fields::{Fields, leave_value};
use super::models::{FULL, When, fill, longest};
use super::{Import, variable};
use crate::cli::key;
use crate::config::headers::is_header_name;
use crate::config::limits::{MAX_RETRIES, REQUEST_TIMEOUT};
use crate::config::schema::{Circuit, Identity, Span, TargetEntry};
use crate::policy::strategy::Strategy;
use std::time::Duration;
use yaml_serde::Value;

/// A model's name and its own targets, without fallbacks.
type Chain = (String, Vec<TargetEntry>);

/// A hash that no key is known to have: the door stays shut.
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Import<'_> {
    /// What the router does: retries, limits, fallbacks, aliases.
    pub(super) fn routing(&mut self, router: &mut Fields, litellm: &mut Fields) {
        let [own, global] = [&mut *router, &mut *litellm].map(|fields| self.count(fields, "num_retries"));
        if let Some(retries) = own.or(global) {
            self.defaults.retries = Some(u32::try_from(retries).map_or(MAX_RETRIES, |n| n.min(MAX_RETRIES)));
            let fields = if own.is_some() { &router } else { &litellm };
            self.report.changed(fields.at("num_retries"), "counts tries at each target, 16 at most");
        }
        self.timeouts(router, litellm);
        if let Some(drop) = litellm.flag("drop_params", &mut self.report) {
            self.defaults.drop_params = Some(drop);
        }
        // Fallbacks refer to models as LiteLLM knows them, before any of them got a fallback appended.
        let plain: Vec<String> = self.models.names();
        let originals: Vec<_> =
            plain.iter().map(|name| self.models.targets(name).unwrap_or_default()).collect();
        let chains: Vec<Chain> = plain.into_iter().zip(originals).collect();
        let aliases = self.aliases(router);
        self.strategy(router);
        self.cooldown(router, litellm);
        let mut with_fallback = Vec::new();
        for fields in [&mut *router, &mut *litellm] {
            let at = fields.at("fallbacks");
            if let Some(value) = fields.take("fallbacks") {
                self.fallbacks(&value, &at, (&chains, &aliases), &mut with_fallback, When::Failed);
            }
            for (field, when) in
                [("context_window_fallbacks", When::TooLong), ("content_policy_fallbacks", When::Forbidden)]
            {
                let at = fields.at(field);
                if let Some(value) = fields.take(field) {
                    self.fallbacks(&value, &at, (&chains, &aliases), &mut Vec::new(), when);
                }
            }
        }
        for fields in [router, litellm] {
            let at = fields.at("default_fallbacks");
            let Some(value) = fields.take("default_fallbacks") else { continue };
            for name in self.models.names() {
                if !with_fallback.contains(&name) {
                    self.fall_back(&name, &value, &at, (&chains, &aliases), When::Failed);
                }
            }
        }
    }

    /// How deployments of one model share the load; LiteLLM's own way is to shuffle them by weight.
    fn strategy(&mut self, router: &mut Fields) {
        let at = router.at("routing_strategy");
        let written = router.text("routing_strategy", &mut self.report);
        let strategy = match written.as_deref() {
            None | Some("simple-shuffle") => Strategy::Weighted,
            Some("least-busy") => Strategy::LeastBusy,
            Some("latency-based-routing") => Strategy::LowestLatency,
            Some("cost-based-routing") => Strategy::LowestCost,
            Some("usage-based-routing" | "usage-based-routing-v2") => Strategy::MostQuota,
            Some(name) => {
                let why =
                    format!("the strategy `{name}` has no counterpart: targets share the load by weight");
                self.report.left(&at, why);
                Strategy::Weighted
            }
        };
        let is_used = self.models.share(strategy);
        if is_used && strategy == Strategy::MostQuota {
            let name = written.unwrap_or_default();
            let how = format!("`{name}` became `most_quota`: by what providers say is left of their limits");
            self.report.changed(at, how);
        } else if !is_used && strategy != Strategy::Weighted {
            self.report.left(at, "no model has several deployments to choose from");
        }
    }

    /// After how many failures a deployment is left alone, and for how long.
    fn cooldown(&mut self, router: &mut Fields, litellm: &mut Fields) {
        let mut circuit = Circuit::default();
        let mut written = Vec::new();
        let mut disabled = false;
        for fields in [router, litellm] {
            if let Some(fails) = self.count(fields, "allowed_fails") {
                circuit.failure_threshold =
                    Some(u32::try_from(fails).map_or(u32::MAX, |n| n.saturating_add(1)));
                let how =
                    "counts failures in a row (`circuit_breaker.failure_threshold`), not those of a minute";
                written.push((fields.at("allowed_fails"), Some(how)));
            }
            if let Some(time) = self.seconds(fields, "cooldown_time") {
                (circuit.open, circuit.cooldown) = (Some(time), Some(time));
                written.push((fields.at("cooldown_time"), None));
            }
            disabled |= fields.flag("disable_cooldowns", &mut self.report) == Some(true);
        }
        if disabled {
            circuit = Circuit { max_cooldown: Some(Span::secs(0)), ..Circuit::default() };
        }
        for (at, how) in written {
            match how {
                _ if disabled => self.report.left(at, "has no effect beside `disable_cooldowns`"),
                Some(how) => self.report.changed(at, how),
                None => {}
            }
        }
        if circuit != Circuit::default() {
            self.defaults.circuit_breaker = Some(circuit);
        }
    }

    fn timeouts(&mut self, router: &mut Fields, litellm: &mut Fields) {
        let of_router = self.seconds(router, "timeout").map(|limit| (limit, router.at("timeout")));
        let of_all =
            self.seconds(litellm, "request_timeout").map(|limit| (limit, litellm.at("request_timeout")));
        if let (Some((_, first)), Some((_, at))) = (&of_router, &of_all) {
            self.report.left(at, format!("`{first}` is the one limit of each try"));
        }
        let how = "limits each try until its first token; `defaults.request_timeout` limits it all";
        if let Some((limit, at)) = of_router.or(of_all) {
            self.defaults.timeout = Some(limit);
            if limit.0 > REQUEST_TIMEOUT {
                self.defaults.request_timeout = Some(limit);
            }
            self.report.changed(&at, how);
        }
        self.defaults.stream_timeout = self.seconds(router, "stream_timeout");
        if self.defaults.stream_timeout.is_some() {
            self.report.changed(router.at("stream_timeout"), how);
        }
    }

    /// A time in seconds.
    pub(super) fn seconds(&mut self, fields: &mut Fields, name: &str) -> Option<Span> {
        let number = fields.number(name, &mut self.report)?;
        let span = span(number);
        if span.is_none() {
            let why = "is no time from a millisecond to a day: what is usual holds";
            self.report.left(fields.at(name), why);
        }
        span
    }

    /// `model_group_alias`. What comes back are the aliases as `(alias, model)`, for fallbacks that use them.
    fn aliases(&mut self, router: &mut Fields) -> Vec<(String, String)> {
        let value = router.take("model_group_alias");
        let path = router.at("model_group_alias");
        let mut aliases = Vec::new();
        for (alias, value) in Fields::of(value, &path, &mut self.report).into_rest() {
            let at = format!("{path}.{alias}");
            let model = match &value {
                Value::String(model) => Some(model.clone()),
                Value::Mapping(fields) => {
                    if fields.get("hidden").is_some_and(|hidden| hidden.as_bool() == Some(true)) {
                        self.report.left(format!("{at}.hidden"), "the models endpoint lists no aliases");
                    }
                    fields.get("model").and_then(Value::as_str).map(ToOwned::to_owned)
                }
                _ => None,
            };
            let Some(model) = model else {
                self.report.left(at, "names no model");
                continue;
            };
            match self.models.alias(&alias, &model) {
                Ok(()) => aliases.push((alias, model)),
                Err(why) => self.report.left(at, why),
            }
        }
        aliases
    }

    /// `fallbacks`: a list of mappings from a model to the names of others.
    fn fallbacks(
        &mut self,
        value: &Value,
        path: &str,
        (chains, aliases): (&[Chain], &[(String, String)]),
        done: &mut Vec<String>,
        when: When,
    ) {
        let Value::Sequence(list) = value else {
            self.report.left(path, "is no list");
            return;
        };
        // `*` is for all that have none of their own, wherever it stands.
        let mut for_all = Vec::new();
        for (index, item) in list.iter().enumerate() {
            let at = format!("{path}[{index}]");
            for (name, others) in Fields::of(Some(item.clone()), &at, &mut self.report).into_rest() {
                let at = format!("{at}.{name}");
                if name == "*" {
                    for_all.push((others, at));
                    continue;
                }
                let name = unalias(&name, aliases).to_owned();
                if self.models.spell_out(&name) {
                    self.fall_back(&name, &others, &at, (chains, aliases), when);
                    done.push(name);
                } else {
                    self.report.left(at, "is not in `model_list`, or was not carried over");
                }
            }
        }
        for (others, at) in for_all {
            for name in self.models.names() {
                if !done.contains(&name) {
                    self.fall_back(&name, &others, &at, (chains, aliases), when);
                    done.push(name);
                }
            }
        }
    }

    /// Appends the targets of other models to one model's chain.
    fn fall_back(
        &mut self,
        name: &str,
        others: &Value,
        at: &str,
        (chains, aliases): (&[Chain], &[(String, String)]),
        when: When,
    ) {
        let Value::Sequence(others) = others else {
            self.report.left(at, "is no list");
            return;
        };
        for (index, other) in others.iter().enumerate() {
            let at = format!("{at}[{index}]");
            let Some(other) = other.as_str() else {
                leave_value(
                    other,
                    &at,
                    "a fallback with changes to the request has no counterpart",
                    &mut self.report,
                );
                continue;
            };
            let other = unalias(other, aliases);
            let found = match chains.iter().find(|(known, _)| known == other) {
                // Under a plain name, `*` in a target has nothing to stand for.
                Some((pattern, _)) if pattern.contains('*') && !name.contains('*') => {
                    self.report.left(at, "falls back to a pattern");
                    continue;
                }
                Some((_, targets)) => Some(targets.clone()),
                None => matched(other, chains),
            };
            match found {
                Some(targets) => {
                    if !self.models.fall_back(name, other, targets, when) {
                        self.report.left(at, FULL);
                    }
                }
                None => self.report.left(at, "is not in `model_list`, or was not carried over"),
            }
        }
    }

    /// `general_settings`: the master key, and the header that says who asks.
    pub(super) fn general(&mut self, mut general: Fields) -> (Option<String>, Identity) {
        let at = general.at("master_key");
        let master = general.text("master_key", &mut self.report).map(|master| {
            let value = match variable(&master) {
                Some(name) => (self.env)(name).filter(|value| !value.is_empty()).ok_or(name.to_owned()),
                None => Ok(master),
            };
            match value {
                Ok(key) => {
                    self.report.changed(&at, "is kept as its SHA-256; it mints no keys: `tollgate key` does");
                    key::hash(&key)
                }
                Err(name) => {
                    let why = format!(
                        "{name} is not set, so its SHA-256 is unknown and `master_key` lets nobody in: set it and \
                         import again, or put in a key of `tollgate key new`"
                    );
                    self.report.left(&at, why);
                    NOBODY.to_owned()
                }
            }
        });
        let mut identity = Identity::default();
        let at = general.at("user_header_name");
        match general.text("user_header_name", &mut self.report) {
            Some(user) if is_header_name(&user) => {
                let how = "is `identity.headers.user`: whoever reaches the gateway can send it";
                self.report.changed(&at, how);
                identity.headers.user = Some(user);
            }
            Some(_) => self.report.left(&at, "is no header name"),
            None => {}
        }
        general.leave(why_general, &mut self.report);
        (master, identity)
    }

    /// Reports what is left of the router's and the library's settings.
    pub(super) fn leave_settings(&mut self, router: Fields, litellm: Fields) {
        for fields in [router, litellm] {
            let path = fields.path.clone();
            for (name, value) in fields.into_rest() {
                // Shuffling is what LiteLLM does anyway, and the order of the file is what the gateway does.
                let why = why_setting(&name);
                leave_value(&value, &format!("{path}.{name}"), why, &mut self.report);
            }
        }
    }
}

/// The model behind a name that may be an alias.
fn unalias<'n>(name: &'n str, aliases: &'n [(String, String)]) -> &'n str {
    aliases.iter().find(|(alias, _)| alias == name).map_or(name, |(_, model)| model)
}

/// The targets that a name has through a pattern, the longest first.
fn matched(name: &str, chains: &[Chain]) -> Option<Vec<TargetEntry>> {
    let all = chains.iter().map(|(pattern, targets)| (pattern.as_str(), targets));
    let (_, part, targets) = longest(name, all)?;
    let mut targets = targets.clone();
    fill(&mut targets, part);
    Some(targets)
}

/// Seconds as a limit; nothing for none or an endless one.
fn span(seconds: f64) -> Option<Span> {
    let millis = (seconds * 1000.0).round();
    let is_sensible = (1.0..=86_400_000.0).contains(&millis);
    is_sensible.then(|| Span(Duration::from_secs_f64(millis / 1000.0)))
}

/// Why a field of `litellm_params` stays behind.
pub(super) fn why_param(name: &str) -> &'static str {
    match name {
        "rpd" | "tpd" => "deployments are limited by the minute: add a limit `per: provider` to `limits`",
        "region_name"
        | "allowed_openai_params"
        | "modify_params"
        | "drop_params"
        | "additional_drop_params" => "is a setting of LiteLLM's own translation",
        "tags" | "tag_regex" => "there is no routing by tags",
        "mock_response" | "mock_timeout" | "mock_testing_fallbacks" => {
            "a provider simulator answers in tests"
        }
        "azure_ad_token" | "tenant_id" | "client_id" | "client_secret" => {
            "only key authentication is there for azure"
        }
        "aws_access_key_id"
        | "aws_secret_access_key"
        | "aws_session_token"
        | "aws_session_name"
        | "aws_profile_name"
        | "aws_role_name"
        | "aws_web_identity_token"
        | "aws_sts_endpoint"
        | "vertex_credentials" => {
            "was not copied: Envoy finds the cloud's credentials in its environment, or the machine's role"
        }
        "cooldown_time" => "`circuit_breaker` is a setting of providers and models, not of targets",
        "ssl_verify" | "verify_ssl" => {
            "certificates are always checked; `tls.ca_file` names another authority"
        }
        _ => "has no counterpart",
    }
}

/// Why a setting of the router or the library stays behind.
fn why_setting(name: &str) -> &'static str {
    match name {
        "routing_strategy_args" => "strategies have no settings of their own",
        "cache" | "cache_params" | "cache_responses" | "enable_caching" | "supported_call_types" => {
            "there is no answer cache yet"
        }
        "redis_host" | "redis_port" | "redis_password" | "redis_url" | "redis_db" => {
            "counters are shared through `state.redis`, whose `address` is that of webdis in front of this Redis"
        }
        "allowed_fails_policy" => "failures are counted alike, whatever their kind",
        "retry_policy" | "model_group_retry_policy" => "retries are counted alike for every kind of failure",
        "retry_after" => "waits are `backoff` and the provider's own retry-after",
        "default_internal_user_params"
        | "max_internal_user_budget"
        | "internal_user_budget_duration"
        | "max_end_user_budget" => "a budget for each user is `budgets: [{per: user, usd: …, every: month}]`",
        "callbacks"
        | "success_callback"
        | "failure_callback"
        | "service_callbacks"
        | "audit_log_callbacks"
        | "langfuse_default_tags"
        | "turn_off_message_logging"
        | "redact_user_api_key_info"
        | "json_logs" => "what happened is told by the audit line and the metrics",
        "set_verbose" | "debug_level" => "Envoy's log level is set where it is started",
        "enable_pre_call_checks" => "a target with a `context_window` is always measured before a call",
        "model_group_alias" => "names no model",
        _ => "has no counterpart",
    }
}

/// Why a general setting stays behind.
fn why_general(name: &str) -> &'static str {
    match name {
        "database_url"
        | "store_model_in_db"
        | "database_connection_pool_limit"
        | "store_prompts_in_spend_logs"
        | "disable_spend_logs"
        | "proxy_batch_write_at" => "there is no database",
        "alerting" | "alerting_threshold" | "alert_types" | "alert_to_webhook_url" | "alerting_args" => {
            "alerts are made from the metrics"
        }
        "ui_access_mode" | "disable_admin_ui" => "there is no user interface",
        "enable_jwt_auth" | "litellm_jwtauth" => {
            "`identity.jwt` does it: it needs the issuer's name, its keys' URL, and which claims say who asks"
        }
        "custom_auth" | "enable_oauth2_auth" | "enable_oauth2_proxy_auth" | "oauth2_config_mappings" => {
            "who asks is known by keys, tokens, certificates and headers: `keys` and `identity`"
        }
        "user_header_mappings" => "`identity.headers` names one header for each part of who asks",
        "litellm_key_header_name" => {
            "keys are read from `authorization`, `x-api-key`, `x-goog-api-key` and the query's `key`"
        }
        "custom_key_generate"
        | "key_generation_settings"
        | "default_key_generate_params"
        | "upperbound_key_generate_params"
        | "key_management_system"
        | "key_management_settings"
        | "allow_user_auth"
        | "allowed_routes"
        | "admin_only_routes"
        | "public_routes" => {
            "virtual keys are in LiteLLM's database: `tollgate key new` mints others, each with its models and its end"
        }
        "health_check_interval" | "background_health_checks" => "health is told from real traffic",
        "max_request_size_mb" => "the limit is `server.max_body`",
        "pass_through_endpoints" => "only the gateway's own paths are served",
        _ => "has no counterpart",
    }
}

/// Why a whole section stays behind.
pub(super) fn why_section(name: &str) -> &'static str {
    match name {
        "environment_variables" => "belongs into the environment in which Envoy is started",
        "include" => "other files are not followed: import them one by one",
        "guardrails" => "there are no guardrails yet",
        "mcp_servers" | "mcp_tools" => "MCP is not carried",
        _ => "has no counterpart",
    }
}
