//! The models as they grow: deployments, then fallbacks and aliases.

use super::super::report::Report;
use super::deployment::{check_name, whole};
use crate::config::limits::{MAX_RETRIES, MAX_TARGETS};
use crate::config::schema::{Model, ModelEntry, Ordered, Target, TargetEntry};
use crate::policy::strategy::Strategy;

/// Why a target does not get into a chain.
pub(super) const FULL: &str = "did not fit in: the chain is as long as one may be";

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
    /// LiteLLM has them per deployment, and the gateway per model.
    retries: Option<u32>,
    shares: Shares,
}

/// What LiteLLM shares the load by: the weight, else requests in a minute, else tokens.
type Shares = [Option<f64>; 3];

/// Models by name, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Models {
    deployments: Vec<(String, Vec<Deployment>)>,
    settled: Ordered<Model>,
    /// Models of which several deployments are of the lowest order, and the weights of their targets.
    shared: Vec<(String, Vec<u32>)>,
    /// Models that fall back, and to which.
    fallen: Vec<(String, String)>,
    /// Models that a pattern had matched, and the pattern.
    spelled: Vec<(String, String)>,
    /// Whether there was a deployment of `*` that leads to `*`.
    pub(super) everything: bool,
}

impl Models {
    /// Adds a deployment to a model.
    pub(super) fn add(
        &mut self,
        name: &str,
        target: TargetEntry,
        order: Option<f64>,
        retries: Option<u32>,
        shares: Shares,
    ) {
        let deployment = Deployment { target, order, retries, shares };
        match self.deployments.iter_mut().find(|(known, _)| known == name) {
            Some((_, deployments)) => deployments.push(deployment),
            None => self.deployments.push((name.to_owned(), vec![deployment])),
        }
    }

    /// Adds a model with one target, unless there is one of that name.
    pub(super) fn add_if_new(&mut self, name: &str, target: &str) {
        if !self.deployments.iter().any(|(known, _)| known == name) {
            self.add(name, TargetEntry::Short(target.to_owned()), None, None, [None; 3]);
        }
    }

    /// Turns deployments into chains: there are no more of them.
    pub(super) fn settle(&mut self, report: &mut Report) {
        for (name, mut deployments) in std::mem::take(&mut self.deployments) {
            // Stable: deployments without an order, or of the same, stay as they stand in the file.
            deployments.sort_by(|a, b| a.order.unwrap_or(f64::MAX).total_cmp(&b.order.unwrap_or(f64::MAX)));
            let order = deployments.first().and_then(|first| first.order);
            let sharing = deployments.iter().take_while(|deployment| deployment.order == order).count();
            let weights = weights(&deployments, sharing);
            let is_weighed = |one: &Deployment| one.shares.first().is_some_and(Option::is_some);
            if deployments.iter().take(sharing).skip(1).any(is_weighed)
                && !deployments.first().is_some_and(is_weighed)
            {
                let why = "the first deployment has no weight: LiteLLM, too, overlooks those of the others";
                report.left(format!("model_list.{name}.weight"), why);
            }
            let orders = deployments.iter().skip(sharing).map(|deployment| deployment.order);
            if orders.clone().zip(orders.skip(1)).any(|(one, next)| one == next) {
                let how = "beyond the lowest order, deployments are asked one after the other";
                report.changed(format!("model_list.{name}.order"), how);
            }
            let most = deployments.iter().filter_map(|deployment| deployment.retries).max();
            if deployments.iter().any(|deployment| deployment.retries != most) {
                report.changed("model_list", format!("`{name}` has one number of retries: the largest"));
            }
            let mut model =
                Model { retries: most.map(|retries| retries.min(MAX_RETRIES)), ..Model::default() };
            let mut fits = true;
            let mut shares = Vec::new();
            let weights_of_all = weights.iter().flatten().copied().chain(std::iter::repeat(1));
            for (deployment, weight) in deployments.into_iter().zip(weights_of_all) {
                // Deployments that are equal become one target, which has what each of them has.
                match model.targets.iter().position(|known| *known == deployment.target) {
                    Some(at) => shares.iter_mut().skip(at).take(1).for_each(|share| *share += weight),
                    None if model.targets.len() < MAX_TARGETS => {
                        model.targets.push(deployment.target);
                        shares.push(weight);
                    }
                    None => fits = false,
                }
            }
            if !fits {
                report.left(format!("model_list.{name}"), format!("a deployment {FULL}"));
            }
            if sharing > 1 {
                self.shared.push((name.clone(), shares));
            }
            self.settled.push(name, model);
        }
    }

    /// The targets of a model's own deployments.
    pub(super) fn targets(&self, name: &str) -> Option<Vec<TargetEntry>> {
        self.settled.get(name).map(|model| model.targets.clone())
    }

    /// The name under which a model's deployments stand: where only a pattern matches it, the pattern.
    fn deployed_as(&self, name: &str) -> String {
        let spelled =
            self.spelled.iter().find(|(known, _)| known == name).map(|(_, pattern)| pattern.as_str());
        let own = || self.settled.get(name).map(|_| name);
        let matched = || longest(name, self.settled.iter()).map(|(pattern, ..)| pattern);
        spelled.or_else(own).or_else(matched).unwrap_or(name).to_owned()
    }

    /// The models whose requests a deployment of this model gets: itself, and those that fall back to it or have been a
    /// part of it.
    pub(super) fn users(&self, name: &str) -> Vec<String> {
        let others = self.spelled.iter().chain(&self.fallen);
        let fell = others.filter(|(_, to)| to == name).map(|(from, _)| from);
        let mut users = vec![name.to_owned()];
        for from in fell {
            if !users.contains(from) {
                users.push(from.clone());
            }
        }
        users
    }

    /// The models that ask a provider.
    pub(super) fn asking(&self, provider: &str) -> impl Iterator<Item = &str> {
        let asks = move |target: &TargetEntry| match target {
            TargetEntry::Short(short) => short.split_once('/').is_some_and(|(of, _)| of == provider),
            TargetEntry::Full(full) => full.provider == provider,
        };
        let models = self.settled.iter().filter(move |(_, known)| {
            let reasons = known.fallbacks.iter();
            let reasons = reasons.flat_map(|chain| chain.context_window.iter().chain(&chain.content_policy));
            known.targets.iter().chain(reasons).any(asks)
        });
        models.map(|(name, _)| name)
    }

    /// Names of all models.
    pub(super) fn names(&self) -> Vec<String> {
        self.settled.names().map(ToOwned::to_owned).collect()
    }

    /// Gives a strategy to the models whose deployments share the load. Whether there are any.
    pub(super) fn share(&mut self, strategy: Strategy) -> bool {
        let mut shares = false;
        for (name, model) in &mut self.settled.0 {
            let Some((_, weights)) = self.shared.iter().find(|(known, _)| known == name) else { continue };
            if model.targets.len() < 2 {
                continue;
            }
            model.strategy = Some(strategy);
            shares = true;
            let is_even = weights.windows(2).all(|pair| pair.first() == pair.last());
            if !is_even && (strategy == Strategy::Weighted || weights.contains(&0)) {
                let targets = std::mem::take(&mut model.targets);
                model.targets = targets
                    .into_iter()
                    .zip(weights)
                    .map(|(target, weight)| weighing(target, *weight))
                    .collect();
            }
        }
        shares
    }

    /// Puts the targets of another model at the end of a model's chain, or into the one for a reason. Whether all of them
    /// fit in.
    pub(super) fn fall_back(
        &mut self,
        name: &str,
        other: &str,
        targets: Vec<TargetEntry>,
        when: When,
    ) -> bool {
        self.fallen.push((name.to_owned(), self.deployed_as(other)));
        let Some((_, model)) = self.settled.0.iter_mut().find(|(known, _)| known == name) else {
            return true;
        };
        // Where the targets before it share the load, it is for when none of them can be asked.
        let is_last = when == When::Failed && model.strategy.is_some();
        let chain = match when {
            When::Failed => &mut model.targets,
            When::TooLong => &mut model.fallbacks.get_or_insert_default().context_window,
            When::Forbidden => &mut model.fallbacks.get_or_insert_default().content_policy,
        };
        let mut targets =
            targets.into_iter().map(|target| if is_last { weighing(target, 0) } else { target });
        targets.all(|target| append(chain, target))
    }

    /// Gives a model another name; or says why not.
    pub(super) fn alias(&mut self, alias: &str, name: &str) -> Result<(), &'static str> {
        check_name(alias)?;
        if self.settled.get(alias).is_some() {
            return Err("is the name of a model of its own, which wins");
        }
        if self.settled.iter().any(|(_, model)| model.aliases.iter().any(|known| known == alias)) {
            return Err("is an alias already");
        }
        if alias.contains('*') {
            return Err("a pattern cannot be an alias");
        }
        if name.contains('*') && self.settled.get(name).is_some() {
            return Err("leads to a pattern");
        }
        self.spell_out(name);
        match self.settled.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, model)) => {
                model.aliases.push(alias.to_owned());
                Ok(())
            }
            None => Err("leads to a model that is not in `model_list`, or was not carried over"),
        }
    }

    /// Makes a model of its own of a name that only a pattern matches, so that more can be said of it. Whether there is a
    /// model of that name.
    pub(super) fn spell_out(&mut self, name: &str) -> bool {
        if self.settled.get(name).is_some() {
            return true;
        }
        let is_alias = self.settled.iter().any(|(_, model)| model.aliases.iter().any(|alias| alias == name));
        let found = longest(name, self.settled.iter());
        let Some((pattern, part, model)) = found.filter(|_| !is_alias && check_name(name).is_ok()) else {
            return false;
        };
        let (pattern, mut model) = (pattern.to_owned(), model.clone());
        fill(&mut model.targets, part);
        if let Some(chains) = &mut model.fallbacks {
            fill(&mut chains.context_window, part);
            fill(&mut chains.content_policy, part);
        }
        // Its requests are still those of the pattern's deployments, and share their load in the same way.
        let shares = self.shared.iter().find(|(known, _)| *known == pattern);
        let shares = shares.map(|(_, weights)| (name.to_owned(), weights.clone()));
        self.shared.extend(shares);
        self.spelled.push((name.to_owned(), pattern));
        self.settled.push(name, model);
        true
    }

    /// All models, each in its shortest form.
    pub(super) fn finish(self) -> Ordered<ModelEntry> {
        Ordered(self.settled.0.into_iter().map(|(name, model)| (name, shortest(model))).collect())
    }
}

/// The longest pattern that matches a name, the part that its `*` stands for, and what it leads to.
pub(super) fn longest<'m, 'n, T>(
    name: &'n str,
    all: impl Iterator<Item = (&'m str, T)>,
) -> Option<(&'m str, &'n str, T)> {
    let matching = all.filter_map(|(pattern, value)| {
        let (prefix, suffix) = pattern.split_once('*')?;
        let part = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
        (!name.contains('*')).then_some((pattern, part, value))
    });
    matching.max_by_key(|(pattern, ..)| pattern.len())
}

/// Puts the part that a pattern's `*` stands for into its targets.
pub(super) fn fill(targets: &mut [TargetEntry], part: &str) {
    for target in targets {
        match target {
            TargetEntry::Short(short) => *short = short.replacen('*', part, 1),
            TargetEntry::Full(full) => full.model = full.model.replacen('*', part, 1),
        }
    }
}

/// The weights of deployments, the first of which share the load: as LiteLLM does it, by what the first one says of
/// itself, and nothing for others that do not. The rest is only asked when none of those can be.
fn weights(deployments: &[Deployment], sharing: usize) -> Option<Vec<u32>> {
    let first = deployments.first()?;
    let amounts = first.shares.iter().position(Option::is_some).map(|by| {
        let share = |one: &Deployment| one.shares.get(by).copied().flatten().unwrap_or(0.0);
        deployments.iter().take(sharing).map(share).collect::<Vec<f64>>()
    });
    let amounts = amounts.filter(|amounts| amounts.iter().any(|amount| *amount > 0.0));
    if amounts.is_none() && sharing == deployments.len() {
        return None;
    }
    let mut weights = in_whole_numbers(&amounts.unwrap_or_else(|| vec![1.0; sharing]));
    weights.resize(deployments.len(), 0);
    Some(weights)
}

/// The same shares as whole numbers; the largest is a thousand at most, so that the file stays readable.
fn in_whole_numbers(amounts: &[f64]) -> Vec<u32> {
    const MOST: f64 = 1_000.0;
    let most = amounts.iter().copied().fold(0.0, f64::max);
    let is_whole = |amount: f64| (amount - amount.round()).abs() < 1e-6;
    let factor = [1.0, 10.0, 100.0, MOST]
        .into_iter()
        .find(|factor| most * factor <= MOST && amounts.iter().all(|amount| is_whole(amount * factor)));
    let scaled = |amount: f64| match factor {
        Some(factor) => (amount * factor).round(),
        None => (amount * MOST / most).ceil(),
    };
    amounts
        .iter()
        .map(|amount| whole(scaled(*amount)).and_then(|n| u32::try_from(n).ok()).unwrap_or(0))
        .collect()
}

/// A target with a weight.
fn weighing(target: TargetEntry, weight: u32) -> TargetEntry {
    match target {
        TargetEntry::Short(short) => match short.split_once('/') {
            Some((provider, model)) => TargetEntry::Full(Target {
                provider: provider.to_owned(),
                model: model.to_owned(),
                weight: Some(weight),
                ..Target::default()
            }),
            None => TargetEntry::Short(short),
        },
        TargetEntry::Full(full) => TargetEntry::Full(Target { weight: Some(weight), ..full }),
    }
}

/// Puts a target at the end of a chain, unless it stands there already: it would fail again for the same reason. Whether
/// it fits in.
fn append(chain: &mut Vec<TargetEntry>, target: TargetEntry) -> bool {
    if chain.contains(&target) {
        return true;
    }
    let fits = chain.len() < MAX_TARGETS;
    if fits {
        chain.push(target);
    }
    fits
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
