//! The table against the calculation of `genai-prices` itself.

use super::Price;
use crate::chat::Usage;
use genai_prices::{ErrorKind, PriceRequest, UsageKey};
use proptest::prelude::*;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `provider<TAB>name`: every model's identifier and every literal of its rule.
const NAMES: &str = include_str!(concat!(env!("OUT_DIR"), "/price_names.txt"));

fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMES.lines().filter_map(|line| line.split_once('\t'))
}

/// Noon of a day after every start date but one that lies in the future of the facts.
const TODAY: u64 = 1_795_176_000;
const DAY: u64 = 86_400;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn tokens(input: u64, output: u64) -> Usage {
    Usage { input: Some(input), output: Some(output), ..Usage::default() }
}

/// What `genai-prices` calculates, in dollars; `None` when it does not know the model or its provider.
fn oracle(provider: Option<&str>, model: &str, usage: &Usage, at: SystemTime) -> Option<f64> {
    let mut counts = genai_prices::Usage::new();
    for (key, count) in [
        (UsageKey::INPUT_TOKENS, usage.input),
        (UsageKey::OUTPUT_TOKENS, usage.output),
        (UsageKey::CACHE_READ_TOKENS, usage.cache_read),
        (UsageKey::CACHE_WRITE_TOKENS, usage.cache_write),
        (UsageKey::CACHE_WRITE_1H_TOKENS, usage.cache_write_1h),
        (UsageKey::OUTPUT_REASONING_TOKENS, usage.reasoning),
        (UsageKey::INPUT_AUDIO_TOKENS, usage.audio_input),
        (UsageKey::OUTPUT_AUDIO_TOKENS, usage.audio_output),
    ] {
        if let Some(count) = count {
            #[allow(clippy::cast_precision_loss)]
            counts.insert(key, count as f64);
        }
    }
    let mut request = PriceRequest::new(model, &counts).with_timestamp(at);
    request.provider_id = provider;
    match genai_prices::calculate(&request) {
        Ok(price) => Some(price.total_price),
        Err(error) if matches!(error.kind(), ErrorKind::ProviderNotFound | ErrorKind::ModelNotFound) => None,
        Err(error) => panic!("{provider:?} {model} {usage:?}: {error}"),
    }
}

/// Holds ours against theirs; says whether a cost was compared.
fn compare(provider: Option<&str>, model: &str, usage: &Usage, at: SystemTime) -> bool {
    let theirs = oracle(provider, model, usage, at);
    let ours = Price::lookup(provider, model);
    let what = || format!("{provider:?} {model:?} {usage:?} {at:?}: ours {ours:?}, theirs {theirs:?}");
    let Some(theirs) = theirs else {
        assert_eq!(ours, None, "{}", what());
        return false;
    };
    let per_request = oracle(provider, model, &tokens(0, 0), at).unwrap();
    let free = |usage| oracle(provider, model, &usage, at) == Some(per_request);
    let Some(price) = ours else {
        assert!(free(tokens(1_000_000, 0)) && free(tokens(0, 1_000_000)), "{}", what());
        return false;
    };
    let Some(cost) = price.cost(usage, at) else {
        let (input, output) = (usage.input.unwrap(), usage.output.unwrap());
        assert!(input > 0 && free(tokens(input, 0)) || output > 0 && free(tokens(0, output)), "{}", what());
        return false;
    };
    #[allow(clippy::cast_precision_loss)]
    let (cost, count) =
        (cost.pico_usd() as f64 / 1e12, (usage.input.unwrap() + usage.output.unwrap()) as f64);
    // Half a 10⁻¹² dollar a token from rounded rates, and what doubles lose.
    let bound = count * 0.5e-12 + theirs * 1e-12 + 1e-15;
    assert!((cost - theirs).abs() <= bound, "{}: {cost}", what());
    true
}

/// Small and large requests with every subset, no two subsets that could overlap.
fn usages() -> Vec<Usage> {
    let cached = |input: u64| Usage {
        cache_read: Some(input / 2),
        cache_write: Some(input / 4),
        cache_write_1h: Some(input / 8),
        reasoning: Some(300),
        ..tokens(input, 1_000)
    };
    let audio = Usage { audio_input: Some(7_000), audio_output: Some(200), ..tokens(10_000, 1_000) };
    let mut usages = vec![tokens(1_000, 100), tokens(0, 0), audio];
    usages.extend([8_000, 128_001, 199_999, 200_000, 200_001, 272_000, 272_001, 600_000].map(cached));
    usages
}

/// A name that a regular expression of the facts would fit, more or less; other names stay as they are.
fn sample(name: &str) -> String {
    name.trim_start_matches('^')
        .trim_end_matches('$')
        .replace("\\d{8}", "20260102")
        .replace("\\d{4}", "2026")
        .replace("\\d{2}", "01")
        .replace("\\d", "7")
        .replace("[-@]", "@")
        .replace('\\', "")
}

#[test]
fn every_name_leads_to_the_same_price() {
    let usage = Usage { cache_read: Some(500), ..tokens(1_000, 1_000) };
    let mut compared = 0_usize;
    for (provider, name) in names() {
        let name = sample(name);
        for name in [
            name.clone(),
            name.to_uppercase(),
            format!("{name}-20251001"),
            format!("{name}-20250230:free"),
            format!("{name}-latest"),
            format!("x{name}"),
        ] {
            compared += usize::from(compare(Some(provider), &name, &usage, at(TODAY)));
        }
    }
    assert!(compared > 8_000, "{compared}");
}

#[test]
fn providers_are_found_and_guessed_alike() {
    let usage = tokens(1_000, 1_000);
    let mut compared = 0_usize;
    for (provider, name) in names().step_by(5) {
        let name = sample(name);
        compared += usize::from(compare(None, &name, &usage, at(TODAY)));
        compared += usize::from(compare(Some("azure"), &name, &usage, at(TODAY)));
        compared += usize::from(compare(Some("google"), &name, &usage, at(TODAY)));
        compared += usize::from(compare(Some("LiteLLM"), &format!("{provider}/{name}"), &usage, at(TODAY)));
        compared += usize::from(compare(Some("litellm"), &name, &usage, at(TODAY)));
        compared +=
            usize::from(compare(Some(&format!(" {} ", provider.to_uppercase())), &name, &usage, at(TODAY)));
    }
    assert!(compared > 2_000, "{compared}");
    for alias in ["bedrock", "vertex_ai", "xai", "together_ai", "my-openai", "huggingface-groq", "nobody", ""]
    {
        for name in ["gpt-4o", "claude-sonnet-4-5", "gemini-2.5-pro", "grok-4", "moonshotai/kimi-k2-instruct"]
        {
            compare(Some(alias), name, &usage, at(TODAY));
        }
    }
    for name in
        ["claude", "o3", "o2", "org/mistral-large", "labs-devstral-2", "mistral-large-latest", "/mistral", ""]
    {
        compare(None, name, &usage, at(TODAY));
    }
    for name in
        ["gemini-2.5-pro-tts", "gemini-2.5-pro-tts-x", "gemini-2.5-pro-ttsx", "gemini-2.5-pro-preview-TTS"]
    {
        compare(Some("google"), name, &usage, at(TODAY));
    }
}

#[test]
fn every_price_is_the_same_at_any_size() {
    let (mut last, mut compared) = ("", 0_usize);
    for (provider, name) in names() {
        // Names are sorted: neighbours with the same beginning are mostly the same model.
        if !last.is_empty() && name.starts_with(last) && name.len() > last.len() + 6 {
            continue;
        }
        last = name;
        for usage in usages() {
            compared += usize::from(compare(Some(provider), name, &usage, at(TODAY)));
        }
    }
    assert!(compared > 20_000, "{compared}");
}

#[test]
fn prices_change_at_the_same_time() {
    let usage = Usage { cache_read: Some(400), ..tokens(1_000, 1_000) };
    let dated = |name: &str| Price::lookup(None, name).is_some();
    let mut compared = 0_usize;
    // From May 2025 to beyond the last start date, at hours on both sides of the off-peak bounds.
    let days = (0..640).step_by(7).map(|day| 1_746_057_600 + day * DAY);
    let edges = [1_749_513_600, 1_786_924_800, 1_788_998_400, 1_792_368_000, 1_792_454_400, 1_798_761_600];
    for midnight in days.chain(edges).chain(edges.map(|edge| edge - DAY)) {
        for second in [0, 1_799, 1_800, 3_600, 14_399, 14_400, 21_600, 36_000, 59_400, DAY - 1] {
            for name in ["deepseek-chat", "deepseek-reasoner", "deepseek-v4-flash", "deepseek-v4-pro", "o3"] {
                assert!(dated(name), "{name}");
                compared += usize::from(compare(None, name, &usage, at(midnight + second)));
            }
        }
    }
    for (provider, name) in names().step_by(3) {
        for midnight in edges {
            compared += usize::from(compare(Some(provider), name, &usage, at(midnight)));
            compared += usize::from(compare(Some(provider), name, &usage, at(midnight - 1)));
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn rates_differ_by_size_and_hour_at_all() {
    let price = |name, usage: &Usage, seconds| {
        Price::lookup(None, name).and_then(|price| price.cost(usage, at(seconds))).unwrap()
    };
    let (small, large) = (tokens(272_000, 0), tokens(272_001, 0));
    assert!(
        price("gpt-5.4", &large, TODAY).pico_usd() > 19 * price("gpt-5.4", &small, TODAY).pico_usd() / 10
    );
    let midnight = TODAY / DAY * DAY;
    let one = tokens(1_000, 1_000);
    assert!(price("deepseek-chat", &one, midnight) < price("deepseek-chat", &one, midnight + 36_000));
    // No token price, no output price, no such model, no such provider.
    assert_eq!(Price::lookup(Some("openai"), "whisper-1"), None);
    let embedding = Price::lookup(Some("openai"), "text-embedding-3-small").unwrap();
    assert_eq!(embedding.cost(&tokens(10, 1), at(TODAY)), None);
    assert_eq!(embedding.cost(&tokens(10, 0), at(TODAY)).unwrap().pico_usd(), 200_000);
    assert_eq!(Price::lookup(Some("openai"), "no-such-model"), None);
    assert_eq!(Price::lookup(Some("no-such-provider"), "gpt-4o"), None);
}

fn any_usage() -> impl Strategy<Value = Usage> {
    let input = prop_oneof![0..2_000_u64, 0..2_000_000_u64];
    (input, 0..100_000_u64, any::<[u8; 5]>(), any::<bool>()).prop_map(|(input, output, parts, audio)| {
        let part = |whole: u64, part: u8| whole * u64::from(part) / 255;
        if audio {
            return Usage {
                audio_input: Some(part(input, parts[0])),
                audio_output: Some(part(output, parts[1])),
                ..tokens(input, output)
            };
        }
        let cache_read = part(input, parts[0]);
        let cache_write = part(input - cache_read, parts[1]);
        Usage {
            cache_read: Some(cache_read),
            cache_write: Some(cache_write),
            cache_write_1h: Some(part(cache_write, parts[2])),
            reasoning: Some(part(output, parts[3])),
            ..tokens(input, output)
        }
    })
}

/// A known name with a stretch cut out and something put in its place.
fn any_name() -> impl Strategy<Value = (&'static str, String)> {
    let all: Vec<_> = names().collect();
    let cut = (0..40_usize, 0..4_usize, "[-a-zA-Z0-9.:/@]{0,4}", any::<bool>());
    (proptest::sample::select(all), cut).prop_map(|((provider, name), (start, length, insert, keep))| {
        let name = sample(name);
        let edited: String =
            name.chars().take(start).chain(insert.chars()).chain(name.chars().skip(start + length)).collect();
        (provider, if keep { name } else { edited })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_request_costs_the_same(
        (provider, name) in any_name(),
        usage in any_usage(),
        seconds in 1_700_000_000_u64..1_830_000_000,
        guess in any::<bool>(),
    ) {
        compare((!guess).then_some(provider), &name, &usage, at(seconds));
    }
}

/// The size of the table and the time of lookups, next to those of `genai-prices`. A measurement, so it runs only
/// when asked for.
#[test]
#[ignore = "a measurement"]
fn lookups_are_faster() {
    const ROUNDS: u32 = 200;
    println!("table: {} bytes on this host", super::table::size());
    let _ = genai_prices::Calculator::bundled();
    let usage = tokens(1_000, 1_000);
    for (provider, name) in [
        ("openai", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("openrouter", "anthropic/claude-sonnet-4.5"),
        ("openrouter", "no/such-model"),
        ("azure", "no-such-model-20250101"),
    ] {
        let time = |work: &dyn Fn()| {
            let start = std::time::Instant::now();
            (0..ROUNDS).for_each(|_| work());
            start.elapsed() / ROUNDS
        };
        let ours = time(&|| {
            let price = std::hint::black_box(Price::lookup(Some(provider), name));
            std::hint::black_box(price.and_then(|price| price.cost(&usage, at(TODAY))));
        });
        let theirs = time(&|| _ = std::hint::black_box(oracle(Some(provider), name, &usage, at(TODAY))));
        println!("{provider} {name}: {ours:?}, genai-prices {theirs:?}");
        assert!(ours < theirs);
    }
}
