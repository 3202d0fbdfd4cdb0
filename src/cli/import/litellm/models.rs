//! The models as they grow: deployments, then fallbacks and aliases.

use super::super::report::Report;
use crate::config::limits::{MAX_RETRIES, MAX_TARGETS};
use crate::config::schema::{Model, ModelEntry, Ordered, Span, Target, TargetEntry};
use crate::policy::strategy::Strategy;

/// Limits that LiteLLM keeps per deployment, and the gateway per model.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Limits {
    /// Of each try.
    pub(super) timeout: Option<Span>,
    /// At each target.
    pub(super) retries: Option<u32>,
}

/// What a fallback is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Nobody before it could answer.
    Failed,
    /// The request is too long.
    TooLong,
    /// A content policy forbids the request.
    Forbidden,
}

/// One deployment of a model.
#[derive(Debug)]
struct Deployment {
    target: TargetEntry,
    order: Option<f64>,
    limits: Limits,
}

/// Models by name, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Models {
    deployments: Vec<(String, Vec<Deployment>)>,
    settled: Ordered<Model>,
    /// Models of several deployments, none of which has a place in an order.
    shared: Vec<String>,
    /// Whether there was a deployment of `*` that leads to `*`.
    pub(super) everything: bool,
}

impl Models {
    /// Adds a deployment to a model.
    pub(super) fn add(&mut self, name: &str, target: TargetEntry, order: Option<f64>, limits: Limits) {
        let deployment = Deployment { target, order, limits };
        match self.deployments.iter_mut().find(|(known, _)| known == name) {
            Some((_, deployments)) => deployments.push(deployment),
            None => self.deployments.push((name.to_owned(), vec![deployment])),
        }
    }

    /// Adds a model with one target, unless there is one of that name.
    pub(super) fn add_if_new(&mut self, name: &str, target: &str) {
        if !self.deployments.iter().any(|(known, _)| known == name) {
            self.add(name, TargetEntry::Short(target.to_owned()), None, Limits::default());
        }
    }

    /// Turns deployments into chains: there are no more of them.
    pub(super) fn settle(&mut self, report: &mut Report) {
        for (name, mut deployments) in std::mem::take(&mut self.deployments) {
            // Stable: deployments without an order, or of the same, stay as they stand in the file.
            deployments.sort_by(|a, b| a.order.unwrap_or(f64::MAX).total_cmp(&b.order.unwrap_or(f64::MAX)));
            if deployments.len() > 1 && deployments.iter().all(|deployment| deployment.order.is_none()) {
                self.shared.push(name.clone());
            }
            let longest = deployments.iter().filter_map(|deployment| deployment.limits.timeout).max();
            let most = deployments.iter().filter_map(|deployment| deployment.limits.retries).max();
            if deployments
                .iter()
                .any(|deployment| deployment.limits != Limits { timeout: longest, retries: most })
            {
                report.changed(
                    "model_list",
                    format!("`{name}` has one timeout and number of retries: the largest"),
                );
            }
            let mut model = Model {
                timeout: longest,
                retries: most.map(|retries| retries.min(MAX_RETRIES)),
                ..Model::default()
            };
            for deployment in deployments {
                append(&mut model, deployment.target);
            }
            self.settled.push(name, model);
        }
    }

    /// The targets of a model's own deployments.
    pub(super) fn targets(&self, name: &str) -> Option<Vec<TargetEntry>> {
        self.settled.get(name).map(|model| model.targets.clone())
    }

    /// Names of all models.
    pub(super) fn names(&self) -> Vec<String> {
        self.settled.names().map(ToOwned::to_owned).collect()
    }

    /// Gives a strategy to the models whose deployments share the load.
    pub(super) fn share(&mut self, strategy: Strategy) {
        for (name, model) in &mut self.settled.0 {
            if self.shared.contains(name) && model.targets.len() > 1 {
                model.strategy = Some(strategy);
            }
        }
    }

    /// Puts targets at the end of a model's chain, or into the one for a reason.
    pub(super) fn fall_back(&mut self, name: &str, targets: Vec<TargetEntry>, when: When) {
        let Some((_, model)) = self.settled.0.iter_mut().find(|(known, _)| known == name) else { return };
        for target in targets {
            match when {
                // Where the targets before it share the load, it is for when none of them can be asked.
                When::Failed if model.strategy.is_some() => append(model, last_resort(target)),
                When::Failed => append(model, target),
                When::TooLong => model.fallbacks.get_or_insert_default().context_window.push(target),
                When::Forbidden => model.fallbacks.get_or_insert_default().content_policy.push(target),
            }
        }
    }

    /// Gives a model another name; or says why not.
    pub(super) fn alias(&mut self, alias: &str, name: &str) -> Result<(), &'static str> {
        if self.settled.get(alias).is_some() {
            return Err("is the name of a model of its own, which wins");
        }
        if self.settled.iter().any(|(_, model)| model.aliases.iter().any(|known| known == alias)) {
            return Err("is an alias already");
        }
        if alias.contains('*') {
            return Err("a pattern cannot be an alias");
        }
        match self.settled.0.iter_mut().find(|(known, _)| known == name) {
            Some(_) if name.contains('*') => Err("leads to a pattern"),
            Some((_, model)) => {
                model.aliases.push(alias.to_owned());
                Ok(())
            }
            None => Err("leads to a model that is not in `model_list`, or was not carried over"),
        }
    }

    /// All models, each in its shortest form.
    pub(super) fn finish(self) -> Ordered<ModelEntry> {
        Ordered(self.settled.0.into_iter().map(|(name, model)| (name, shortest(model))).collect())
    }
}

/// A target that is only asked when no other can be.
fn last_resort(target: TargetEntry) -> TargetEntry {
    match target {
        TargetEntry::Short(short) => match short.split_once('/') {
            Some((provider, model)) => TargetEntry::Full(Target {
                provider: provider.to_owned(),
                model: model.to_owned(),
                weight: Some(0),
                ..Target::default()
            }),
            None => TargetEntry::Short(short),
        },
        TargetEntry::Full(full) => TargetEntry::Full(Target { weight: Some(0), ..full }),
    }
}

/// Puts a target at the end of a chain, unless it stands there already: it would fail again for the same reason.
fn append(model: &mut Model, target: TargetEntry) {
    if !model.targets.contains(&target) && model.targets.len() < MAX_TARGETS {
        model.targets.push(target);
    }
}

/// A model with nothing but targets needs no object, and one plain target no list.
fn shortest(mut model: Model) -> ModelEntry {
    let targets = std::mem::take(&mut model.targets);
    if model != Model::default() {
        model.targets = targets;
        return ModelEntry::Full(Box::new(model));
    }
    match targets.as_slice() {
        [TargetEntry::Short(target)] => ModelEntry::One(target.clone()),
        _ => ModelEntry::Chain(targets),
    }
}
