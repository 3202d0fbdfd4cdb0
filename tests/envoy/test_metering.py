"""What is left behind: response headers, audit lines, metrics, money."""

from __future__ import annotations

import pytest

from support.answers import ANTHROPIC, DIALECTS
from support.sim import fail, stream
from support.world import CLAUDE, GPT

PRICES = {
    GPT: {"input": 2.0, "output": 8.0, "cache_read": 0.5},
    "gpt-4o-2024-08-06": {"input": 2.0, "output": 8.0, "cache_read": 0.5},
    CLAUDE: {"input": 3.0, "output": 15.0, "cache_read": 0.3, "cache_write": 3.75},
    "claude-sonnet-4-5-20250929": {"input": 3.0, "output": 15.0, "cache_read": 0.3, "cache_write": 3.75},
    "gpt-4.1": {"input": 1, "output": 1},
    "second/gpt-4.1": {"input": 100, "output": 100},
}


@pytest.fixture(scope="module")
def gateway(make_gateway):
    models = {"unpriced": "second/never-heard-of-it", "here": "openai/gpt-4.1", "there": "second/gpt-4.1"}
    return make_gateway(prices=PRICES, models=models)


@pytest.fixture(scope="module")
def bare(make_gateway):
    return make_gateway(server={"response_headers": False})


def test_response_headers(world, gateway):
    answer = gateway.chat("gpt", "one two three")
    headers = answer.headers
    assert (headers["x-tollgate-provider"], headers["x-tollgate-model"], headers["x-tollgate-attempts"]) == (
        "openai",
        GPT,
        "1",
    )
    assert headers["x-tollgate-request-id"]
    usage = world.openai.last.usage
    assert float(headers["x-tollgate-cost"]) == pytest.approx(
        (usage["input"] * 2 + usage["output"] * 8) / 1e6, rel=1e-3
    )


def test_response_headers_can_be_left_out(world, bare):
    answer = bare.chat("gpt")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("x-tollgate-")]


def test_nothing_of_envoy_is_told(world, gateway):
    answer = gateway.chat("gpt-then-claude")
    assert not [name for name in answer.headers if name.startswith("x-envoy-")]


def test_a_price_of_one_providers_alone(world, gateway):
    costs = [gateway.audited(gateway.chat(model))["cost_usd"] for model in ("here", "there")]
    assert costs[1] == pytest.approx(100 * costs[0])


def test_an_unknown_price_is_absent(world, gateway):
    answer = gateway.chat("unpriced")
    assert answer.status_code == 200
    assert "x-tollgate-cost" not in answer.headers
    line = gateway.audited(answer)
    assert line.get("cost_usd") is None
    assert line["usage_status"] == "complete"


def test_bundled_prices(world, standing_gateway):
    plain = standing_gateway
    for model in ("gpt", "claude"):
        answer = plain.chat(model)
        assert float(answer.headers["x-tollgate-cost"]) > 0
        assert plain.audited(answer)["cost_usd"] > 0


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_cost_with_cached_tokens(world, gateway, client, streamed):
    system = [{"type": "text", "text": "word " * 60, "cache_control": {"type": "ephemeral"}}]
    for said, part, price in (("hi", "cache_write", 3.75), ("hi again", "cache_read", 0.3)):
        more = {"stream": True} if streamed else {}
        if client == ANTHROPIC:
            answer = gateway.messages("claude", said, system=system, **more)
        else:
            answer = gateway.chat(
                "claude", [{"role": "system", "content": system}, {"role": "user", "content": said}], **more
            )
        line = gateway.audited(answer)
        usage = line["usage"]
        assert usage[part] == 60
        plain = usage["input"] - 60
        assert line["cost_usd"] == pytest.approx((plain * 3 + 60 * price + usage["output"] * 15) / 1e6, rel=1e-3)


def test_the_audit_line(world, gateway):
    world.openai.script(fail(503))
    answer = gateway.messages("gpt-then-claude", "good morning", stream=True)
    line = gateway.audited(answer)
    assert line["time"] and line["request_id"] == answer.headers["x-tollgate-request-id"]
    assert (line["client_dialect"], line["path"], line["stream"]) == (ANTHROPIC, "/v1/messages", True)
    assert (line["model_asked"], line["provider"], line["model"], line["status"]) == (
        "gpt-then-claude",
        "claude",
        CLAUDE,
        200,
    )
    first, second = line["attempts"]
    assert (first["provider"], first["model"], first["status"]) == ("openai", GPT, 503)
    assert (second["provider"], second["model"], second["status"]) == ("claude", CLAUDE, 200)
    assert first["ms"] >= 0 and first["reason"]
    truth = world.claude.last.usage
    assert (line["usage"]["input"], line["usage"]["output"], line["usage_status"]) == (
        truth["input"],
        truth["output"],
        "complete",
    )
    assert line["finish_reason"] and line["duration_ms"] >= line["ttft_ms"] >= 0
    assert "error" not in line or line["error"] is None
    assert "prompt" not in line and "answer" not in line
    assert "good morning" not in str(line)


def test_one_line_a_request(world, gateway):
    before = len(gateway.audit())
    answers = [gateway.chat("gpt") for _ in range(5)]
    for answer in answers:
        gateway.audited(answer)
    assert len(gateway.audit()) == before + 5


def test_failed_requests_are_audited(world, gateway):
    world.openai.script(fail(403))
    line = gateway.audited(gateway.chat("gpt"))
    assert (line["status"], line["usage_status"]) == (403, "missing")
    assert line["error"]["message"]
    answer = gateway.chat("none-such")
    line = gateway.audit_where(lambda one: one.get("model_asked") == "none-such")
    assert line["status"] == answer.status_code == 404


def test_prompts_and_answers_when_configured(world, make_gateway):
    gateway = make_gateway(audit={"content": True})
    for client in DIALECTS:
        for streamed in (False, True):
            answer = gateway.ask(client, "gpt", "a very particular prompt", **({"stream": True} if streamed else {}))
            line = gateway.audited(answer)
            assert "a very particular prompt" in str(line["prompt"])
            assert "echo: a very particular prompt" in str(line["answer"])


def test_audit_to_a_file(world, make_gateway, tmp_path):
    import json
    import time

    target = tmp_path / "audit.jsonl"
    gateway = make_gateway(audit={"to": {"file": str(target)}})
    ident = gateway.chat("gpt").headers["x-tollgate-request-id"]
    until = time.monotonic() + 5
    while not target.exists() or ident not in target.read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert all(json.loads(line) for line in target.read_text().splitlines())
    assert not gateway.audit(), "a file means: not stdout as well"


def test_a_stream_whose_provider_tells_no_usage_is_estimated(world, gateway):
    chunk = 'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n'
    end = 'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    world.openai.script(stream(body=(chunk * 20 + end).encode()))
    line = gateway.audited(gateway.chat("gpt", stream=True))
    assert line["usage_status"] == "estimated"
    assert 10 <= line["usage"]["output"] <= 60


def test_metrics(world, gateway):
    def requests(**tags):
        return gateway.metric("tollgate_requests", **tags)

    before = requests(model="gpt", provider="openai", status="200")
    tokens = gateway.metric("tollgate_tokens", model="gpt", provider="openai")
    cost = gateway.metric("tollgate_cost_microdollars", provider="openai")
    for _ in range(4):
        gateway.chat("gpt", "one two three")
    usage = world.openai.last.usage
    assert requests(model="gpt", provider="openai", status="200") == before + 4
    assert gateway.metric("tollgate_tokens", model="gpt", provider="openai") == tokens + 4 * (
        usage["input"] + usage["output"]
    )
    assert gateway.metric("tollgate_cost_microdollars", provider="openai") > cost
    classes = {tags.get("class") for name, tags, _ in gateway.metrics() if name == "tollgate_tokens"}
    assert {"input", "output"} <= classes


def test_metrics_of_fallbacks_and_errors(world, gateway):
    fallbacks = gateway.metric("tollgate_fallbacks")
    attempts = gateway.metric("tollgate_attempts", provider="openai")
    world.openai.script(fail(503))
    gateway.chat("gpt-then-claude")
    assert gateway.metric("tollgate_fallbacks") == fallbacks + 1
    assert gateway.metric("tollgate_attempts", provider="openai") == attempts + 1
    world.openai.script(fail(403))
    before = gateway.metric("tollgate_requests", status="403")
    gateway.chat("gpt")
    assert gateway.metric("tollgate_requests", status="403") == before + 1


def test_histograms(world, gateway):
    gateway.chat("gpt", "long 20", stream=True)
    names = {name for name, _, _ in gateway.metrics()}
    for name in ("tollgate_ttft_ms", "tollgate_tpot_us", "tollgate_duration_ms"):
        assert f"{name}_count" in names or f"{name}_bucket" in names, sorted(names)


def test_metric_names_carry_no_tags(world, gateway):
    """A tag left in the name would make one metric a request: the extraction must have worked for each."""
    gateway.chat("gpt")
    for name, tags, _ in gateway.metrics():
        assert "openai" not in name and GPT not in name.replace("_", "-"), (name, tags)


def test_request_ids(world, gateway):
    idents = {gateway.chat("gpt").headers["x-tollgate-request-id"] for _ in range(3)}
    assert len(idents) == 3


def test_gzip_is_not_the_gateways_business(world, gateway):
    """Clients that accept gzip are the rule; a compressed answer could not be counted."""
    answer = gateway.http.post(
        "/v1/chat/completions",
        json={"model": "gpt", "messages": [{"role": "user", "content": "x"}]},
        headers={"accept-encoding": "gzip, br"},
    )
    assert answer.json()["choices"][0]["message"]["content"] == "echo: x"
    assert gateway.audited(answer)["usage_status"] == "complete"


def test_time_to_first_token(world, gateway):
    world.openai.script(stream(before_first=0.3))
    line = gateway.audited(gateway.chat("gpt", "long 5", stream=True))
    assert 250 <= line["ttft_ms"] <= 2000
    assert line["duration_ms"] >= 250
