//! Compiles the price facts of the `genai-prices` crate into a static table (`prices.rs` in the output folder, read
//! by `src/meter/price/table.rs`).
//!
//! The crate carries its facts as one JSON document and gives access to calculations only, not to the document.
//! But the document is linked into this very program, so that is where it is read from: no network, no guess about
//! where packages lie, and always the version that `Cargo.lock` names. `TOLLGATE_PRICES=FILE` compiles another
//! document of the same format in its place, for prices newer than the crate.
//!
//! Whatever the table cannot express (an unknown kind of rule, constraint or token price) fails the build: a price
//! that is quietly wrong would be worse.

#![allow(clippy::print_stdout, reason = "how a build script talks to cargo")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::{env, fs, path::PathBuf};

#[path = "src/meter/price/name.rs"]
mod name;
#[path = "src/meter/price/pattern.rs"]
mod pattern;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    for path in ["build.rs", "src/meter/price/name.rs", "src/meter/price/pattern.rs"] {
        println!("cargo:rerun-if-changed={path}");
    }
    println!("cargo:rerun-if-env-changed=TOLLGATE_PRICES");
    let facts = if let Some(path) = env::var_os("TOLLGATE_PRICES") {
        let path = PathBuf::from(path);
        println!("cargo:rerun-if-changed={}", path.display());
        let document = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        genai_prices::Calculator::from_json(&document)?;
        serde_json::from_slice(&document)?
    } else {
        bundled()?
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join("prices.rs"), Table::default().compile(&facts)?)?;
    fs::write(out.join("price_names.txt"), names(&facts)?)?;
    Ok(())
}

/// The document that `genai-prices` bundles, out of the running program.
fn bundled() -> Result<Value> {
    let bundled = genai_prices::Calculator::bundled();
    let ids: Vec<&str> = bundled.providers().map(genai_prices::ProviderInfo::id).collect();
    let start = format!("[{{\"id\":\"{}\",", ids.first().ok_or("genai-prices bundles no provider")?);
    let program = fs::read(env::current_exe()?)?;
    for at in memchr::memmem::find_iter(&program, &start) {
        let tail = program.get(at..).unwrap_or_default();
        let Some(Ok(facts)) = serde_json::Deserializer::from_slice(tail).into_iter::<Value>().next() else {
            continue;
        };
        let found = facts.as_array().into_iter().flatten().map(|provider| text(provider, "id"));
        if found.eq(ids.iter().map(|id| Some(*id))) {
            return Ok(facts);
        }
    }
    Err("the facts of genai-prices were not found in the build script; set TOLLGATE_PRICES to its data/prices.json"
        .into())
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Every provider with every literal its models' rules name, for the tests: `provider<TAB>name`.
fn names(facts: &Value) -> Result<String> {
    fn literals<'v>(rule: &'v Value, out: &mut BTreeSet<&'v str>) {
        for (_, argument) in rule.as_object().into_iter().flatten() {
            match argument {
                Value::String(literal) => _ = out.insert(literal),
                Value::Array(rules) => rules.iter().for_each(|rule| literals(rule, out)),
                _ => {}
            }
        }
    }
    let mut names = String::new();
    for provider in facts.as_array().into_iter().flatten() {
        let id = text(provider, "id").ok_or("a provider without an id")?;
        let mut found = BTreeSet::new();
        for model in list(provider, "models") {
            found.extend(text(model, "id"));
            literals(&model["match"], &mut found);
        }
        for name in found {
            writeln!(names, "{id}\t{name}")?;
        }
    }
    Ok(names)
}

/// The parts of the generated source that providers share.
#[derive(Default)]
struct Table {
    /// Source of each distinct plan, and its position.
    plans: BTreeMap<String, u16>,
    /// Source of each distinct set of rare rates, and its position.
    rare: BTreeMap<String, usize>,
}

impl Table {
    /// The whole generated file.
    fn compile(mut self, facts: &Value) -> Result<String> {
        let providers = facts.as_array().ok_or("the facts are not a list of providers")?;
        let mut rows = String::new();
        for provider in providers {
            let id = text(provider, "id").ok_or("a provider without an id")?;
            let row =
                self.provider(provider, providers).map_err(|error| format!("provider {id}: {error}"))?;
            writeln!(rows, "    {row},")?;
        }
        let mut source = String::from("// Written by build.rs.\n");
        let mut rare: Vec<_> = self.rare.into_iter().collect();
        rare.sort_by_key(|(_, index)| *index);
        for (rates, index) in rare {
            writeln!(source, "static RARE_{index}: RareRates = {rates};")?;
        }
        let mut plans: Vec<_> = self.plans.into_iter().collect();
        plans.sort_by_key(|(_, index)| *index);
        writeln!(source, "pub(in super::super) static PLANS: &[Plan] = &[")?;
        for (plan, _) in plans {
            writeln!(source, "    {plan},")?;
        }
        writeln!(source, "];\npub(in super::super) static PROVIDERS: &[Provider] = &[\n{rows}];")?;
        Ok(source)
    }

    fn provider(&mut self, provider: &Value, all: &[Value]) -> Result<String> {
        let id = text(provider, "id").unwrap_or_default();
        let optional = |key: &str| -> Result<String> {
            provider.get(key).map_or(Ok("None".into()), |value| Ok(format!("Some({})", rule(value)?)))
        };
        let fallbacks: Vec<usize> = list(provider, "fallback_model_providers")
            .iter()
            .filter_map(|fallback| all.iter().position(|candidate| candidate.get("id") == Some(fallback)))
            .collect();
        let mut exact: BTreeMap<u64, (u16, String)> = BTreeMap::new();
        let (mut rules, mut plans) = (String::new(), Vec::new());
        for (index, model) in list(provider, "models").iter().enumerate() {
            let index = u16::try_from(index)?;
            let id = text(model, "id").unwrap_or_default();
            for alternative in alternatives(model.get("match").ok_or("a model without a rule")?) {
                if let Some(literal) = text(alternative, "equals") {
                    let literal = name::fold(literal).into_owned();
                    let first = exact.entry(name::fingerprint(&literal)).or_insert((index, literal.clone()));
                    if first.1 != literal {
                        return Err(format!("{} and {literal} have the same fingerprint", first.1).into());
                    }
                } else {
                    let rule = rule(alternative).map_err(|error| format!("model {id}: {error}"))?;
                    write!(rules, "({index}, {rule}), ")?;
                }
            }
            plans.push(self.plan(&model["prices"]).map_err(|error| format!("model {id}: {error}"))?);
        }
        let fingerprints: Vec<u64> = exact.keys().copied().collect();
        let models: Vec<u16> = exact.values().map(|(model, _)| *model).collect();
        let plans = plans.join(", ");
        Ok(format!(
            "Provider {{ id: {id:?}, alias: {}, owns: {}, fallbacks: &{fallbacks:?}, exact: &{fingerprints:?}, \
             exact_models: &{models:?}, rules: &[{rules}], plans: &[{plans}] }}",
            optional("provider_match")?,
            optional("model_match")?,
        ))
    }

    /// The position of a model's plan, as source.
    fn plan(&mut self, prices: &Value) -> Result<String> {
        let plan = if let Value::Array(periods) = prices {
            if !periods.iter().any(|period| has_token_price(&period["prices"])) {
                return Ok("NO_PLAN".into());
            }
            let mut source = String::new();
            for period in periods {
                write!(
                    source,
                    "({}, {}), ",
                    when(period.get("constraint"))?,
                    self.tiers(&period["prices"])?
                )?;
            }
            format!("Plan::Dated(&[{source}])")
        } else if has_token_price(prices) {
            format!("Plan::Fixed({})", self.tiers(prices)?)
        } else {
            return Ok("NO_PLAN".into());
        };
        let next = u16::try_from(self.plans.len())?;
        if next == u16::MAX {
            return Err("more plans than positions".into());
        }
        Ok(self.plans.entry(plan).or_insert(next).to_string())
    }

    /// The rates by size of the request.
    fn tiers(&mut self, prices: &Value) -> Result<String> {
        let prices = prices.as_object().ok_or("prices are not an object")?;
        for key in prices.keys().filter(|key| key.ends_with("_mtok")) {
            if !CARRIED.contains(&key.as_str()) && !LEFT_OUT.contains(&key.as_str()) {
                return Err(format!("{key} is a new kind of token price: carry it or leave it out").into());
            }
        }
        let mut starts = BTreeSet::from([0]);
        for tier in prices.values().flat_map(|price| list(price, "tiers")) {
            starts.insert(tier["start"].as_u64().ok_or("a tier without a start")?);
        }
        let mut source = String::new();
        for start in starts {
            let rate = |key: &str| -> Result<String> {
                let Some(price) = prices.get(key) else { return Ok("ABSENT".into()) };
                let reached =
                    list(price, "tiers").iter().filter(|tier| tier["start"].as_u64() <= Some(start));
                let dollars = match reached.max_by_key(|tier| tier["start"].as_u64()) {
                    Some(tier) => tier["price"].as_f64(),
                    None => price.as_f64().or_else(|| price["base"].as_f64()),
                };
                // Millionths of a dollar per million tokens are 10⁻¹² dollars per token (and per thousand
                // requests: 10⁻⁹ dollars per request).
                Ok(millionths(dollars.ok_or_else(|| format!("{key} is not a price"))?)?.to_string())
            };
            let (mut fields, mut has_rare) = (String::new(), false);
            for (field, key) in RARE {
                let rate = rate(key)?;
                has_rare |= rate != "ABSENT";
                write!(fields, "{field}: {rate}, ")?;
            }
            let rare_source = if has_rare {
                let next = self.rare.len();
                let index = self.rare.entry(format!("RareRates {{ {fields}}}")).or_insert(next);
                format!("Some(&RARE_{index})")
            } else {
                "None".into()
            };
            write!(
                source,
                "Tier {{ above: {}, rates: Rates {{ input: {}, output: {}, cache_read: {}, cache_write: {}, rare: {rare_source} }} }}, ",
                u32::try_from(start)?,
                rate("input_mtok")?,
                rate("output_mtok")?,
                rate("cache_read_mtok")?,
                rate("cache_write_mtok")?,
            )?;
        }
        Ok(format!("&[{source}]"))
    }
}

/// Whether plain tokens have a price: all other token prices are refinements of these.
fn has_token_price(prices: &Value) -> bool {
    prices.get("input_mtok").or(prices.get("output_mtok")).is_some()
}

/// The rarer rates: field of the table, key of the facts.
const RARE: [(&str, &str); 5] = [
    ("cache_write_1h", "cache_write_1h_mtok"),
    ("reasoning", "output_reasoning_mtok"),
    ("audio_input", "input_audio_mtok"),
    ("audio_output", "output_audio_mtok"),
    ("request", "requests_kcount"),
];

/// Token prices of the facts that the table carries.
const CARRIED: [&str; 8] = [
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "output_reasoning_mtok",
    "input_audio_mtok",
    "output_audio_mtok",
];

/// Token prices of the facts that usage has no count for: such tokens are priced as plain ones.
const LEFT_OUT: [&str; 8] = [
    "cache_audio_read_mtok",
    "cache_image_read_mtok",
    "input_image_mtok",
    "input_video_mtok",
    "output_image_mtok",
    "output_video_mtok",
    "output_citation_mtok",
    "cache_video_read_mtok",
];

/// Dollars in millionths, rounded.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn millionths(dollars: f64) -> Result<u32> {
    let millionths = (dollars * 1e6).round();
    // `u32::MAX` itself says "absent".
    if (0.0..f64::from(u32::MAX)).contains(&millionths) {
        Ok(millionths as u32)
    } else {
        Err(format!("a price of {dollars} dollars is out of range").into())
    }
}

/// A constraint, as source.
fn when(constraint: Option<&Value>) -> Result<String> {
    let Some(constraint) = constraint else { return Ok("When::Always".into()) };
    let parts = |text: &str, separator: char| -> Result<[i64; 3]> {
        let parts: Vec<i64> = text.split(separator).map(str::parse).collect::<std::result::Result<_, _>>()?;
        parts.try_into().map_err(|_| format!("{text} has not three parts").into())
    };
    if let Some(date) = text(constraint, "start_date") {
        let [year, month, day] = parts(date, '-')?;
        return Ok(format!("When::From({})", u32::try_from(days(year, month, day))?));
    }
    let seconds = |key: &str| -> Result<i64> {
        let time = text(constraint, key).ok_or("an unknown kind of constraint")?;
        let [hour, minute, second] = parts(time.strip_suffix('Z').ok_or("a time that is not UTC")?, ':')?;
        Ok(hour * 3_600 + minute * 60 + second)
    };
    Ok(format!("When::Daily({}, {})", seconds("start_time")?, seconds("end_time")?))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years are counted from March, so that the day that
/// leap years add comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // Days before each month from March on: the lengths 31, 30, 31, 30, 31 repeat.
    let before_month = (153 * month + 2) / 5;
    year * 365 + year / 4 - year / 100 + year / 400 + before_month + day - 1 - 719_468
}

/// The alternatives of a rule, `or` within `or` flattened.
fn alternatives(rule: &Value) -> Vec<&Value> {
    match rule.get("or") {
        Some(Value::Array(rules)) => rules.iter().flat_map(alternatives).collect(),
        _ => vec![rule],
    }
}

/// A rule, as source.
fn rule(value: &Value) -> Result<String> {
    let object = value.as_object().filter(|object| object.len() == 1).ok_or("a rule is one operation")?;
    let (operation, argument) = object.iter().next().ok_or("an empty rule")?;
    if let Value::Array(rules) = argument {
        let rules = rules.iter().map(rule).collect::<Result<Vec<_>>>()?.join(", ");
        return match operation.as_str() {
            "or" => Ok(format!("Any(&[{rules}])")),
            "and" => Ok(format!("All(&[{rules}])")),
            _ => Err(format!("unknown rule {operation}").into()),
        };
    }
    let literal = argument.as_str().ok_or("the argument of a rule is a string")?;
    let folded = name::fold(literal);
    match operation.as_str() {
        "equals" => Ok(format!("Equals({folded:?})")),
        "starts_with" => Ok(format!("Starts({folded:?})")),
        "ends_with" => Ok(format!("Ends({folded:?})")),
        "contains" => Ok(format!("Contains({folded:?})")),
        "regex" => pattern::compile(literal).map_err(|error| format!("regex {literal}: {error}").into()),
        _ => Err(format!("unknown rule {operation}").into()),
    }
}
