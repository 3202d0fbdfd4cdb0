"""Limits: requests and tokens in a while, requests at the same time; exact over all workers, told in headers."""

from __future__ import annotations

import hashlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest

from support.answers import ANTHROPIC, DIALECTS, OPENAI, error_of
from support.gateway import bearer, body_for, chat_body, path_for
from support.sim import cut, fail, stream
from support.sim.behaviour import Gate, Steps

NAMES = [
    "fifty", "burst", "tokens", "atonce", "leaver", "failing", "headers", "twenty", "other", "free", "model-a", "moving"
]  # fmt: skip


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


def key(name, **more):
    return {"id": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), **more}


@pytest.fixture(scope="module")
def gateway(make_gateway, standing_world):
    narrow = standing_world.config()["providers"]["openai"] | {
        "circuit_breaker": {"max_requests": 1, "max_pending_requests": 1}
    }

    def only(*names):
        return {"per": "key", "only": {"key": list(names)}}

    return make_gateway(
        keys=[key(name, tenant="acme") for name in NAMES]
        + [key("own", tenant="acme", limits=[{"requests": "2/d"}])],
        providers={"narrow": narrow},
        models={
            "scarce": "second/gpt-4.1",
            "scarce-then": ["second/gpt-4.1", "openai/gpt-4o"],
            # Anthropic has no seed.
            "seeded": {"targets": ["claude/claude-sonnet-4-5", "second/gpt-4.1"], "drop_params": False},
            "narrow-then": ["narrow/gpt-4o", "second/gpt-4.1"],
            "brief": {"targets": ["openai/gpt-4o"], "request_timeout": "1s"},
        },
        limits=[
            {"requests": "1000/d", "per": "key", "name": "for all keys", "only": {"key": ["own", "free"]}},
            {"requests": "50/d", "name": "fifty", **only("fifty")},
            {"requests": "1/h", "burst": 7, "name": "burst", **only("burst")},
            {"tokens": "1k/d", "name": "thousand tokens", **only("tokens")},
            {"concurrent": 3, "name": "three at once", **only("atonce", "leaver", "failing")},
            {"requests": "100/m", "tokens": "50k/m", "name": "shown", **only("headers")},
            {"requests": "20/h", "per": "tenant", "name": "of the tenant", "only": {"key": ["twenty", "other"]}},
            {"requests": "3/h", "per": "model", "name": "of the model", "only": {"model": ["scarce"]}},
            {"concurrent": 1, "per": "provider", "name": "one at a time", "only": {"model": ["scarce-then"], "provider": ["second"]}},
            {"requests": "1/h", "per": "provider", "name": "second seeded", "only": {"model": ["seeded"], "provider": ["second"]}},
            {"requests": "3/h", "burst": 3, "per": "provider", "name": "claude seeded", "only": {"model": ["seeded"], "provider": ["claude"]}},
        ],
    )


def many(gateway, name, count, model="gpt", **more):
    def one(n):
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            return client.post("/v1/chat/completions", json=chat_body(model, f"n {n}", **more), headers=bearer(secret(name)))

    with ThreadPoolExecutor(40) as pool:
        return list(pool.map(one, range(count)))


def limits(gateway, name):
    answer = gateway.http.get("/v1/budget", headers=bearer(secret(name)))
    return {limit["name"]: limit for limit in answer.json()["limits"]}


def waited(check, timeout=5.0):
    until = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_hammered_from_all_workers_exactly_as_many_get_through(world, gateway):
    answers = many(gateway, "fifty", 300)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (50, 250)
    assert len(world.openai.requests) == 50
    assert limits(gateway, "fifty")["fifty"]["remaining"] == 0
    assert gateway.metric("tollgate_limited", scope="key", reason="requests") >= 250


def test_a_burst(world, gateway):
    statuses = [answer.status_code for answer in many(gateway, "burst", 20)]
    assert statuses.count(200) == 7


@pytest.mark.parametrize("client", DIALECTS)
def test_over_the_limit_is_told_in_the_clients_dialect(world, gateway, client):
    many(gateway, "burst", 8)
    world.clear()
    answer = gateway.http.post(path_for(client), json=body_for(client, "gpt"), headers=bearer(secret("burst")))
    assert answer.status_code == 429
    error = error_of(client, answer.json())
    assert error["type"] == "rate_limit_error" and "1 requests per hour" in error["message"]
    if client == OPENAI:
        assert error["code"] == "rate_limit_exceeded"
        assert answer.headers["x-ratelimit-remaining-requests"] == "0"
        assert re.fullmatch(r"(\d+h)?(\d+m)?[\d.]+s", answer.headers["x-ratelimit-reset-requests"])
    else:
        assert answer.headers["anthropic-ratelimit-requests-remaining"] == "0"
        datetime.fromisoformat(answer.headers["anthropic-ratelimit-requests-reset"])
    assert 3000 < int(answer.headers["retry-after"]) <= 3600
    assert not world.openai.requests
    line = gateway.audited(answer)
    assert (line["limited_by"], line["error"]["type"]) == ("burst", "rate_limit")


def test_tokens_are_reserved_and_settled(world, gateway):
    """Each may use 310; what it really used is what counts in the end."""
    gate = Gate()
    world.openai.always(stream(gate=gate))
    body = chat_body("gpt", "one two three", max_tokens=300)

    def one(_):
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            return client.post("/v1/chat/completions", json=body, headers=bearer(secret("tokens")))

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(one, n) for n in range(8)]
        waited(lambda: sum(future.done() for future in running) >= 5, 20)
        gate.open()
        answers = [future.result() for future in running]
    good = [answer for answer in answers if answer.status_code == 200]
    assert len(good) == 3
    used = sum(r.usage["input"] + r.usage["output"] for r in world.openai.requests)
    # The day flows in slowly: less than one token a minute.
    waited(lambda: abs(limits(gateway, "tokens")["thousand tokens"]["remaining"] - (1000 - used)) <= 1)
    overdrawn = gateway.chat("gpt", "long 990", key=secret("tokens"), max_tokens=500)
    assert overdrawn.status_code == 200
    refused = gateway.chat("gpt", "hi", key=secret("tokens"), max_tokens=700)
    assert refused.status_code == 429 and "tokens per day" in refused.json()["error"]["message"]
    assert int(refused.headers["x-ratelimit-limit-tokens"]) == 1000


def test_requests_at_the_same_time(world, gateway):
    gate = Gate()
    world.openai.always(stream(gate=gate))

    def one(_):
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            return client.post("/v1/chat/completions", json=chat_body("gpt"), headers=bearer(secret("atonce")))

    with ThreadPoolExecutor(20) as pool:
        running = [pool.submit(one, n) for n in range(20)]
        waited(lambda: sum(future.done() for future in running) >= 17, 20)
        assert limits(gateway, "atonce")["three at once"]["under_way"] == 3
        gate.open()
        statuses = [future.result().status_code for future in running]
    assert (statuses.count(200), statuses.count(429)) == (3, 17)
    waited(lambda: limits(gateway, "atonce")["three at once"]["under_way"] == 0)


def test_a_place_comes_back_when_a_client_leaves_or_a_provider_fails(world, gateway):
    steps = Steps(2)
    world.openai.always(stream(steps=steps))
    body = chat_body("gpt", "long 30", stream=True)
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        with client.stream("POST", "/v1/chat/completions", json=body, headers=bearer(secret("leaver"))) as answer:
            # Kept: an iterator that is let go of closes its connection.
            lines = answer.iter_lines()
            assert next(lines)
            assert limits(gateway, "leaver")["three at once"]["under_way"] == 1
    waited(lambda: limits(gateway, "leaver")["three at once"]["under_way"] == 0)
    steps.release(100)
    for behaviour in (fail(500), fail(400), cut(1)):
        world.openai.always(behaviour)
        try:
            gateway.chat("gpt", key=secret("failing"), stream=behaviour.stop_after is not None)
        except httpx.RemoteProtocolError:
            pass
        waited(lambda: limits(gateway, "failing")["three at once"]["under_way"] == 0)


@pytest.mark.parametrize("streamed", [False, True])
def test_good_answers_say_what_is_left(world, gateway, streamed):
    more = {"stream": True} if streamed else {}
    world.openai.always(stream(headers={"x-ratelimit-limit-requests": "9", "x-ratelimit-remaining-requests": "8"}))
    answer = gateway.chat("gpt", key=secret("headers"), max_tokens=100, **more)
    headers = answer.headers
    assert headers["x-ratelimit-limit-requests"] == "100"
    assert 90 <= int(headers["x-ratelimit-remaining-requests"]) < 100
    assert headers["x-ratelimit-limit-tokens"] == "50000"
    assert 48_000 < int(headers["x-ratelimit-remaining-tokens"]) < 50_000
    assert re.fullmatch(r"\d+ms|[\d.]+s", headers["x-ratelimit-reset-tokens"])
    answer = gateway.messages("gpt", key=secret("headers"), **more)
    headers = answer.headers
    assert headers["anthropic-ratelimit-requests-limit"] == "100"
    reset = datetime.fromisoformat(headers["anthropic-ratelimit-tokens-reset"])
    assert -5 < (reset - datetime.now(UTC)).total_seconds() < 60
    assert not [name for name in headers if name.startswith("x-ratelimit-")]


def test_without_a_limit_a_providers_own_headers_stay(world, gateway):
    world.second.always(stream(headers={"x-ratelimit-remaining-requests": "8"}))
    assert gateway.chat("any/x", key=secret("moving")).status_code in (200, 404)
    answer = gateway.chat("scarce-then", key=secret("moving"))
    assert answer.headers["x-ratelimit-remaining-requests"] == "8"


def test_one_limit_for_all_keys_of_a_tenant(world, gateway):
    first = [answer.status_code for answer in many(gateway, "twenty", 12)]
    second = [answer.status_code for answer in many(gateway, "other", 12)]
    assert first.count(200) + second.count(200) == 20


def test_one_limit_for_all_who_ask_for_a_model(world, gateway):
    statuses = [answer.status_code for name in ("free", "model-a") for answer in many(gateway, name, 3, "scarce")]
    assert statuses.count(200) == 3
    assert gateway.chat("gpt", key=secret("free")).status_code == 200


def test_a_keys_own_limit_takes_the_place_of_the_one_for_all_keys(world, gateway):
    statuses = [gateway.chat("gpt", key=secret("own")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert list(limits(gateway, "own")) == ["key own: requests per d"]
    assert list(limits(gateway, "free")) == ["for all keys"]


def test_a_provider_without_a_place_is_passed_over(world, gateway):
    gate = Gate()
    world.second.always(stream(gate=gate))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(gateway.chat, "scarce-then", "hi", secret("moving"))
        assert gate.reached.wait(10)
        second = gateway.chat("scarce-then", key=secret("moving"))
        gate.open()
        assert first.result().headers["x-tollgate-provider"] == "second"
    assert second.headers["x-tollgate-provider"] == "openai"
    assert "limit `one at a time` is reached" in gateway.audited(second)["attempts"][0]["reason"]


def test_a_provider_that_cannot_take_a_request_is_not_charged_and_the_next_one_is(world, gateway):
    def ask(**more):
        return gateway.ask(OPENAI, "seeded", key=secret("free"), **more)

    assert ask(seed=7).headers["x-tollgate-provider"] == "second"
    for _ in range(3):
        refused = ask(seed=7)
        assert refused.status_code == 429 and "second seeded" in refused.text
        first, second = gateway.audited(refused)["attempts"]
        assert first["reason"].startswith("skipped: ") and "seed" in first["reason"]
        assert second["reason"] == "its limit `second seeded` is reached"
    assert [ask().headers["x-tollgate-provider"] for _ in range(3)] == ["claude"] * 3
    assert len(world.second.requests) == 1


def test_a_threshold_of_envoys_is_named(world, gateway):
    """Envoy tries nobody else then, so that the client has to know why."""
    gate = Gate()
    world.openai.always(stream(gate=gate))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(gateway.chat, "narrow-then", "hi", secret("free"))
        assert gate.reached.wait(10)
        over = gateway.chat("narrow-then", key=secret("free"))
        gate.open()
        assert first.result().status_code == 200
    error = over.json()["error"]
    assert (over.status_code, error["code"]) == (503, "circuit_breaker_overflow")
    assert "`narrow` was not asked" in error["message"] and "max_requests" in error["message"]
    line = gateway.audited(over)
    assert line["attempts"][-1]["provider"] == "narrow" and "max_requests" in line["error"]["message"]


def test_the_limit_of_a_whole_request_is_told_as_what_it_is(world, gateway):
    world.openai.script(stream(before_headers=3))
    answer = gateway.chat("brief", key=secret("free"))
    assert answer.status_code == 504
    assert "within 1000 ms, the limit of the whole request" in answer.json()["error"]["message"]


@pytest.mark.parametrize("client", [OPENAI, ANTHROPIC])
def test_without_a_key_nothing_is_counted(world, gateway, client):
    before = gateway.metric("tollgate_limited")
    assert gateway.ask(client, "gpt").status_code == 401
    assert gateway.metric("tollgate_limited") == before
