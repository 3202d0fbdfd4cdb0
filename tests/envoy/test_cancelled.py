"""Clients of HTTP/2 that cancel a request: the connection stays, and so it is not told by its end."""

from __future__ import annotations

import hashlib
import time

import pytest

from support.gateway import bearer, chat_body
from support.http2 import Http2
from support.sim import Gate, Steps, stream
from support.world import GPT

PATH = "/v1/chat/completions"
BACKUP = "second/gpt-4.1"
NAMES = ["before", "within", "upload", "queue"]


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


@pytest.fixture(scope="module")
def gateway(make_gateway):
    """A tenant and a target a test; two failures in a row open a circuit."""
    keys = [{"id": n, "sha256": hashlib.sha256(secret(n).encode()).hexdigest(), "tenant": n} for n in NAMES]
    return make_gateway(
        keys=keys,
        models={name: [f"openai/{GPT}-{name}", BACKUP] for name in NAMES},
        prices={f"{GPT}-{name}": {"input": 2.0, "output": 8.0} for name in NAMES},
        budgets=[{"per": "tenant", "usd": 10, "every": "day"}],
        limits=[{"concurrent": 1, "per": "tenant", "over": "queue", "only": {"tenant": ["queue"]}}],
        defaults={"circuit_breaker": {"failure_threshold": 2, "open": "1h"}},
    )


def left(gateway, name, count):
    """The audit lines of the tenant's requests, once there are as many."""
    until = time.monotonic() + 5
    while len(found := [line for line in gateway.audit() if line.get("tenant") == name]) < count:
        assert time.monotonic() < until, found
        time.sleep(0.03)
    assert {line["error"]["type"] for line in found} == {"client_disconnect"}, found
    return found


def spent(gateway, name):
    page = gateway.http.get("/v1/budget", headers=bearer(secret(name))).json()["budgets"][0]
    return page["spent"], page["reserved"]


def closed(gateway, name):
    circuit = gateway.http.get("/health").json()["targets"][f"openai/{GPT}-{name}"]["circuit"]
    return circuit == {"state": "closed", "failures": 0}


def test_before_the_answer(gateway, world):
    """What the provider has read is paid, and says nothing about it."""
    held = Gate()
    world.openai.script(*[stream(gate=held)] * 3)
    with Http2(gateway.url) as http:
        for number in range(1, 4):
            asked = http.post(PATH, chat_body("before"), key=secret("before"))
            world.openai.wait_for(lambda sim, number=number: len(sim.requests) == number)
            http.cancel(asked)
            world.openai.wait_for(lambda sim, number=number: [r.aborted for r in sim.requests].count(True) == number)
    held.open()
    lines = left(gateway, "before", 3)
    assert {(line["usage_status"], line["attempts"][0]["provider"]) for line in lines} == {("partial", "openai")}
    cost = sum(line["cost_usd"] for line in lines)
    assert cost > 0 and spent(gateway, "before") == (pytest.approx(cost), 0)
    assert closed(gateway, "before") and not world.second.requests


def test_within_a_stream(gateway, world):
    steps = [Steps(2) for _ in range(3)]
    world.openai.script(*[stream(steps=step) for step in steps])
    with Http2(gateway.url) as http:
        for step in steps:
            asked = http.post(PATH, chat_body("within", "long 40", stream=True), key=secret("within"))
            http.wait_for_body(asked)
            http.cancel(asked)
            step.release(100)
    lines = left(gateway, "within", 3)
    assert {(line["status"], line["usage_status"]) for line in lines} == {(200, "partial")}
    assert spent(gateway, "within") == (pytest.approx(sum(line["cost_usd"] for line in lines)), 0)
    assert closed(gateway, "within") and not world.second.requests


def test_while_it_is_sent(gateway, world):
    with Http2(gateway.url) as http:
        http.cancel(http.post(PATH, chat_body("upload"), key=secret("upload"), whole=False))
    (line,) = left(gateway, "upload", 1)
    assert (line["status"], line.get("attempts")) == (0, None)
    assert not world.openai.requests


def test_in_the_queue(gateway, world):
    held = Gate()
    world.openai.script(stream(gate=held))
    with Http2(gateway.url) as http:
        first = http.post(PATH, chat_body("queue"), key=secret("queue"))
        world.openai.wait_for(lambda sim: len(sim.requests) == 1)
        second = http.post(PATH, chat_body("queue"), key=secret("queue"))
        until = time.monotonic() + 5
        while not gateway.metric("tollgate_queued", tenant="queue"):
            assert time.monotonic() < until
            time.sleep(0.05)
        http.cancel(second)
        (line,) = left(gateway, "queue", 1)
        assert line["limited_by"] and line["queued_ms"] >= 0
        held.open()
        assert http.wait_for_body(first)
    assert len(world.openai.requests) == 1
