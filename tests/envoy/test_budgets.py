"""Budgets: money and tokens, reserved when a request is admitted and settled when it is over, exact over all workers."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest

from support.answers import ANTHROPIC, DIALECTS, OPENAI, error_of
from support.gateway import bearer, body_for, chat_body, path_for
from support.sim import cut, fail, stream
from support.sim.behaviour import Gate, Steps
from support.world import CLAUDE, GPT

PRICES = {name: {"input": 2.0, "output": 8.0} for name in (GPT, "gpt-4o-2024-08-06", "gpt-4.1", "gpt-5-mini")} | {
    name: {"input": 3.0, "output": 15.0} for name in (CLAUDE, "claude-sonnet-4-5-20250929")
}
MASTER = "tg-master-for-budgets-0a1b2c3d4e5f"


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


def key(name, **more):
    return {"id": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), **more}


NAMES = ["hammer", "small", "soft", "leaver", "early", "broken", "stream", "held"]
NAMES += ["poor-a", "poor-b", "team-a", "team-b", "own"]


@pytest.fixture(scope="module")
def mute():
    """Takes connections, and says nothing: no TLS comes about."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


@pytest.fixture(scope="module")
def gateway(make_gateway, mute):
    """One tenant a test, so that none spends another's budget."""
    keys = [key(name, tenant=f"t-{name}") for name in NAMES if not name.startswith(("poor", "team", "own"))]
    keys += [key("poor-a", tenant="poor"), key("poor-b", tenant="poor")]
    keys += [key("team-a", tenant="one", team="search"), key("team-b", tenant="two", team="search")]
    keys += [key("own", tenant="t-own", budgets=[{"usd": 0.001, "every": "day", "name": "own purse"}])]
    keys += [key("plain", tenant="t-plain")]
    return make_gateway(
        prices=PRICES,
        keys=keys,
        providers={
            "mute": {
                "base_url": f"https://127.0.0.1:{mute.getsockname()[1]}/v1",
                "dialect": "openai_chat",
                "auth": "none",
                "connect_timeout": "60s",
            }
        },
        models={
            "early-gate": f"openai/{GPT}",
            "early-steps": f"openai/{GPT}",
            "early-mute": f"mute/{GPT}",
            "unpriced": "second/never-heard-of-it",
            "dear": {"targets": [f"openai/{GPT}"], "max_tokens": 100_000},
            "limited-first": ["openai/gpt-5-mini", "second/gpt-4.1"],
        },
        budgets=[
            {"name": "all tokens", "tokens": "100M", "every": "month", "time_zone": "Europe/Berlin"},
            {"name": "purse", "per": "tenant", "usd": 5, "every": "day", "only": {"tenant": ["t-*"]}},
            {"name": "poor purse", "per": "tenant", "tokens": 500, "every": "12h", "only": {"tenant": ["poor"]}},
            {
                "name": "soft purse",
                "per": "tenant",
                "tokens": 1000,
                "rolling": True,
                "every": "2h",
                "soft": "10%",
                "only": {"tenant": ["t-soft"]},
            },
            {"name": "team purse", "per": "team", "tokens": 200, "every": "week"},
            {"name": "for all keys", "per": "key", "usd": 3, "every": "month", "only": {"key": ["own", "plain"]}},
            {
                "name": "mini purse",
                "per": "provider",
                "tokens": 300,
                "every": "day",
                "only": {"provider": ["openai"], "model": ["limited-first"]},
            },
        ],
    )


def budgets(gateway, name, path="/v1/budget"):
    answer = gateway.http.get(path, headers=bearer(secret(name)))
    assert answer.status_code == 200, answer.text
    return {budget["name"]: budget for budget in answer.json()["budgets"]}


def settled(gateway, name, budget):
    """The budget once nothing is reserved any more: a request settles just after its last byte."""
    until = time.monotonic() + 5
    while True:
        found = budgets(gateway, name)[budget]
        if found["reserved"] == 0:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.02)


def cost(usage, price=PRICES[GPT]):
    """In millionths of a dollar."""
    return usage["input"] * price["input"] + usage["output"] * price["output"]


def test_hammered_from_all_workers_the_sum_is_exact_to_the_micro_dollar(world, gateway):
    """Every way a request can go, from forty connections at once over two workers."""
    world.openai.always(stream(before_headers=0.01))

    def one(n):
        dialect = DIALECTS[n % 2]
        more = {"stream": True, "stream_options": {"include_usage": True}} if n % 3 == 0 and dialect == OPENAI else {}
        body = body_for(dialect, "gpt", f"long {n % 17 + 1}", **more)
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            return client.post(path_for(dialect), json=body, headers=bearer(secret("hammer")))

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(one, range(400)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(world.openai.requests) == 400
    expected = sum(cost(request.usage) for request in world.openai.requests)
    purse = settled(gateway, "hammer", "purse")
    assert round(purse["spent"] * 1e6) == round(expected)
    assert round(purse["remaining"] * 1e6) == 5_000_000 - round(expected)
    workers = [line for line in gateway.envoy.ask("/stats?filter=worker_.*downstream_cx_total").splitlines() if line]
    assert sum(int(line.split(":")[1]) > 0 for line in workers) >= 2, workers
    assert gateway.metric("tollgate_budget_used_microdollars", rule="purse") == pytest.approx(expected, abs=400)


def test_parallel_requests_cannot_overshoot(world, gateway):
    """Each reserves what it may use: as many are admitted as fit, however many come at once."""
    gate = Gate()
    world.openai.always(stream(gate=gate))
    body = chat_body("gpt", "one two", max_tokens=90)

    def one(name):
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            return client.post("/v1/chat/completions", json=body, headers=bearer(secret(name)))

    with ThreadPoolExecutor(40) as pool:
        running = [pool.submit(one, f"poor-{'ab'[n % 2]}") for n in range(40)]
        refused = 0
        until = time.monotonic() + 20
        while refused < 35 and time.monotonic() < until:
            refused = sum(future.done() for future in running)
            time.sleep(0.02)
        held = budgets(gateway, "poor-a")["poor purse"]
        gate.open()
        answers = [future.result() for future in running]
    good = [answer for answer in answers if answer.status_code == 200]
    # 90 of output and about ten of input each: five of 500, or four where the estimate is a little more.
    assert len(good) in (4, 5), len(good)
    assert held["reserved"] + held["remaining"] == 500 and held["spent"] == 0
    assert {answer.status_code for answer in answers} == {200, 429}
    purse = settled(gateway, "poor-a", "poor purse")
    assert purse["spent"] == sum(r.usage["input"] + r.usage["output"] for r in world.openai.requests)
    assert gateway.chat("gpt", "one two", key=secret("poor-b"), max_tokens=90).status_code == 200


@pytest.mark.parametrize("client", DIALECTS)
def test_a_request_that_does_not_fit_is_told_so_in_its_dialect(world, gateway, client):
    headers = bearer(secret("small"))
    body = body_for(client, "dear", "hi") | ({"max_tokens": 1_000_000} if client == ANTHROPIC else {"max_tokens": 700_000})
    answer = gateway.http.post(path_for(client), json=body, headers=headers)
    assert answer.status_code == 429, answer.text
    error = error_of(client, answer.json())
    assert "budget_exceeded" in error["message"] and "purse" in error["message"]
    if client == OPENAI:
        assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    else:
        assert error["type"] == "rate_limit_error"
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp() + 86400
    assert abs(time.time() + int(answer.headers["retry-after"]) - midnight) < 30
    assert not world.openai.requests
    line = gateway.audit_where(lambda line: line["status"] == 429 and line["key_id"] == "small")
    assert line["limited_by"] == "purse" and line["error"]["type"] == "budget_exceeded"
    assert line["budgets"][0]["state"] == "hard" and line["budgets"][0]["limit"] == "$5.00"
    assert gateway.metric("tollgate_limited", scope="tenant", reason="budget") >= 1


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/responses", {"input": "hi", "max_output_tokens": 700_000}, ("error", "code", "insufficient_quota")),
        (
            "/v1beta/models/dear:generateContent",
            {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 700_000}},
            ("error", "status", "RESOURCE_EXHAUSTED"),
        ),
        ("/v2/chat", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 700_000}, ("code", "budget_exceeded")),
        (
            "/model/dear/converse",
            {"messages": [{"role": "user", "content": [{"text": "hi"}]}], "inferenceConfig": {"maxTokens": 700_000}},
            ("__type", "ServiceQuotaExceededException"),
        ),
        (
            "/api/chat",
            {"messages": [{"role": "user", "content": "hi"}], "options": {"num_predict": 700_000}},
            ("code", "budget_exceeded"),
        ),
    ],
)
def test_other_dialects_are_told_in_theirs(world, gateway, path, body, code):
    answer = gateway.http.post(path, json={"model": "dear"} | body, headers=bearer(secret("small")))
    assert answer.status_code == 429, answer.text
    found = answer.json()
    for name in code[:-1]:
        found = found[name]
    assert found == code[-1] and "budget_exceeded" in answer.text
    assert int(answer.headers["retry-after"]) > 0


def test_the_soft_limit_warns(world, gateway):
    first = gateway.chat("gpt", "long 120", key=secret("soft"), max_tokens=200)
    assert first.status_code == 200 and "x-tollgate-budget-warning" not in first.headers
    settled(gateway, "soft", "soft purse")
    second = gateway.chat("gpt", "hi", key=secret("soft"), max_tokens=10)
    assert "soft purse" in second.headers["x-tollgate-budget-warning"], second.headers
    note = gateway.audited(second)["budgets"][0]
    assert (note["name"], note["state"], note["limit"]) == ("soft purse", "soft", "1000 tokens")
    assert gateway.metric("tollgate_budget_warnings", rule="soft purse") >= 1


def test_a_failure_gives_back_what_it_reserved(world, gateway):
    world.openai.always(fail(500))
    assert gateway.chat("gpt", "hi", key=secret("broken"), max_tokens=100_000).status_code == 500
    purse = settled(gateway, "broken", "purse")
    assert (purse["spent"], purse["remaining"]) == (0, 5)


def test_a_broken_stream_is_paid_as_far_as_it_came(world, gateway):
    world.openai.always(cut(5))
    body = chat_body("gpt", "long 50", stream=True)
    with pytest.raises(httpx.RemoteProtocolError):
        gateway.http.post("/v1/chat/completions", json=body, headers=bearer(secret("stream")))
    purse = settled(gateway, "stream", "purse")
    assert 0 < purse["spent"] < 0.001


def test_a_client_that_leaves_pays_for_what_it_got(world, gateway):
    steps = Steps(3)
    world.openai.always(stream(steps=steps))
    body = chat_body("gpt", "long 50", stream=True, max_tokens=50_000)
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        with client.stream("POST", "/v1/chat/completions", json=body, headers=bearer(secret("leaver"))) as answer:
            for _ in answer.iter_lines():
                held = budgets(gateway, "leaver")["purse"]
                break
    assert held["reserved"] > 0.3
    purse = settled(gateway, "leaver", "purse")
    assert 0 < purse["spent"] < 0.01
    steps.release(100)


def left_when(gateway, model, reached):
    """Sends a request of about 400 tokens and closes the connection once `reached`."""
    body = json.dumps(chat_body(model, "word " * 400, stream=True, max_tokens=50_000)).encode()
    url = httpx.URL(gateway.url)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {url.host}\r\nauthorization: Bearer {secret('early')}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    before = settled(gateway, "early", "purse")["spent"]
    with socket.create_connection((url.host, url.port)) as client:
        client.sendall(head.encode() + body)
        reached()
        assert budgets(gateway, "early")["purse"]["reserved"] > 0.3
    line = gateway.audit_where(lambda line: line.get("model_asked") == model and line.get("key_id") == "early")
    assert line["error"]["type"] == "client_disconnect"
    return line, settled(gateway, "early", "purse")["spent"] - before


@pytest.mark.parametrize("kind", ["gate", "steps"], ids=["no-headers", "no-content"])
def test_a_client_that_leaves_before_anything_came_pays_for_what_was_read(world, gateway, kind):
    silence = {"gate": Gate(), "steps": Steps(0)}
    world.openai.script(stream(**{kind: silence[kind]}))
    model = f"early-{kind}"
    line, spent = left_when(gateway, model, lambda: world.openai.wait_for(lambda sim: len(sim.requests) == 1))
    # At two dollars a million, and as far as an estimate goes.
    assert 0.0004 < spent < 0.002
    assert (line["usage_status"], line["usage"]["output"]) == ("partial", 0)
    silence["gate"].open()
    silence["steps"].release(100)


def test_a_client_that_leaves_before_its_provider_was_reached_pays_nothing(gateway, mute):
    held = []
    line, spent = left_when(gateway, "early-mute", lambda: held.append(mute.accept()))
    assert spent == 0
    assert line["usage_status"] == "missing" and "usage" not in line
    held[0][0].close()


def test_teams_of_one_name_are_not_one_team(world, gateway):
    for name in ("team-a", "team-b"):
        answer = gateway.chat("gpt", "long 90", key=secret(name), max_tokens=100)
        assert answer.status_code == 200, answer.text
        settled(gateway, name, "team purse")
        assert gateway.chat("gpt", "long 90", key=secret(name), max_tokens=150).status_code == 429
    assert budgets(gateway, "team-a")["team purse"]["team"] == "one/search"


def test_a_keys_own_budget_takes_the_place_of_the_one_for_all_keys(world, gateway):
    assert "for all keys" in budgets(gateway, "plain")
    own = budgets(gateway, "own")
    assert "for all keys" not in own
    assert own["own purse"]["limit"] == 0.001
    assert gateway.chat("gpt", "hi", key=secret("own"), max_tokens=1000).status_code == 429
    assert gateway.chat("gpt", "hi", key=secret("own"), max_tokens=10).status_code == 200


def test_an_unknown_price_counts_nothing_and_says_so(world, gateway):
    before = settled(gateway, "plain", "purse")["spent"]
    answer = gateway.chat("unpriced", key=secret("plain"))
    assert answer.status_code == 200
    assert "no price is known for second/never-heard-of-it" in answer.headers["x-tollgate-warnings"]
    assert "no price is known" in gateway.audited(answer)["warnings"][0]
    assert settled(gateway, "plain", "purse")["spent"] == before
    assert gateway.metric("tollgate_unpriced", rule="purse") == 1


def test_a_provider_whose_budget_is_spent_is_left_out(world, gateway):
    # Each may use up to 200: the second does not fit into 300 while the first is under way, nor the third ever.
    gate = Gate()
    world.openai.always(stream(gate=gate))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(gateway.chat, "limited-first", "hi", secret("plain"), max_completion_tokens=200)
        assert gate.reached.wait(10)
        second = gateway.chat("limited-first", "hi", key=secret("plain"), max_completion_tokens=200)
        gate.open()
        assert first.result().headers["x-tollgate-provider"] == "openai"
    assert (second.status_code, second.headers["x-tollgate-provider"]) == (200, "second")
    attempts = gateway.audited(second)["attempts"]
    assert "budget `mini purse` has too little left" in attempts[0]["reason"] and attempts[0]["provider"] == "openai"
    assert attempts[1]["provider"] == "second"


def test_a_reservation_moves_with_the_fallback(world, gateway):
    """What fails at one provider is not held there while the next one answers."""
    gate = Gate()
    world.openai.script(fail(503))
    world.second.always(stream(gate=gate))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(gateway.chat, "limited-first", "hi", secret("plain"), max_completion_tokens=200)
        assert gate.reached.wait(10)
        second = gateway.chat("limited-first", "hi", key=secret("plain"), max_completion_tokens=200)
        gate.open()
        assert first.result().headers["x-tollgate-provider"] == "second"
    assert second.headers["x-tollgate-provider"] == "openai"


def test_the_page_is_a_keys_own(world, gateway):
    answer = gateway.http.get("/v1/budget", headers=bearer(secret("plain"))).json()
    assert (answer["object"], answer["key"], answer["tenant"]) == ("budget", "plain", "t-plain")
    names = {budget["name"]: budget for budget in answer["budgets"]}
    assert set(names) == {"all tokens", "purse", "for all keys"}
    purse = names["purse"]
    assert (purse["per"], purse["tenant"], purse["unit"], purse["limit"]) == ("tenant", "t-plain", "usd", 5)
    assert purse["resets_at"].endswith("T00:00:00Z")
    # Midnight in Berlin is the evening before in UTC.
    assert names["all tokens"]["resets_at"].endswith(("T22:00:00Z", "T23:00:00Z"))
    assert gateway.http.get("/v1/budget").status_code == 401
    assert gateway.http.get("/v1/budget?tenant=t-own", headers=bearer(secret("plain"))).status_code == 403
    assert gateway.http.post("/v1/budget", headers=bearer(secret("plain"))).status_code == 405
