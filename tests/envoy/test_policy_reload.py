"""A new configuration while requests are counted, under way and waiting: what was counted stays, what is allowed changes."""

from __future__ import annotations

import copy
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.gateway import bearer, chat_body
from support.sim import stream
from support.sim.behaviour import Gate

NAMES = ["spender", "asker", "waiter"]


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


@pytest.fixture(scope="module")
def gateway(make_gateway):
    return make_gateway(
        split=True,
        keys=[
            {"id": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), "tenant": name} for name in NAMES
        ],
        budgets=[{"name": "purse", "per": "tenant", "tokens": 100, "every": "month", "only": {"tenant": ["spender"]}}],
        limits=[
            {"name": "asks", "per": "tenant", "requests": "3/d", "only": {"tenant": ["asker"]}},
            {"name": "waits", "per": "tenant", "concurrent": 1, "over": "queue", "only": {"tenant": ["waiter"]}},
        ],
    )


def ask(gateway, name, said="hi", **more):
    with httpx.Client(base_url=gateway.url, timeout=60) as http:
        return http.post("/v1/chat/completions", json=chat_body("gpt", said, **more), headers=bearer(secret(name)))


def standing(gateway, name):
    answer = gateway.http.get("/v1/budget", headers=bearer(secret(name))).json()
    (entry,) = answer["budgets"] + answer["limits"]
    return entry


def until(check, timeout=20.0):
    end = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < end
        time.sleep(0.05)


def changed(gateway, change):
    """Renders a changed configuration, and waits until both workers have it."""
    config = copy.deepcopy(gateway.config)
    change(config)
    name = f"marker-{time.monotonic_ns()}"
    config["models"][name] = "openai/gpt-4o"
    gateway.write(config)

    def has_it():
        with httpx.Client(base_url=gateway.url, timeout=60) as http:
            models = http.get("/v1/models", headers=bearer(secret("spender"))).json()["data"]
        return name in {model["id"] for model in models}

    until(lambda: all(has_it() for _ in range(12)))


def test_what_was_spent_stays_spent(gateway, world):
    assert ask(gateway, "spender", max_tokens=60).status_code == 200
    spent = standing(gateway, "spender")["spent"]
    assert spent > 0 and ask(gateway, "spender", max_tokens=300).status_code == 429
    changed(gateway, lambda config: config["budgets"][0].update(tokens=400))
    found = standing(gateway, "spender")
    assert (found["spent"], found["limit"]) == (spent, 400)
    assert ask(gateway, "spender", max_tokens=300).status_code == 200
    changed(gateway, lambda config: config["budgets"][0].update(tokens=10))
    assert ask(gateway, "spender", max_tokens=1).status_code == 429


def test_a_limit_goes_on_where_it_was(gateway, world):
    assert [ask(gateway, "asker").status_code for _ in range(2)] == [200, 200]
    changed(gateway, lambda config: None)
    assert [ask(gateway, "asker").status_code for _ in range(2)] == [200, 429]


def test_who_waits_is_served_all_the_same(gateway, world):
    gate = Gate()
    world.openai.script(stream(gate=gate))
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(ask, gateway, "waiter", "first")]
        assert gate.reached.wait(10)
        before = gateway.metric("tollgate_queued")
        running += [pool.submit(ask, gateway, "waiter", f"n {n}") for n in range(6)]
        until(lambda: gateway.metric("tollgate_queued") == before + 6)
        changed(gateway, lambda config: None)
        assert standing(gateway, "waiter")["under_way"] == 1, "what was under way still is"
        gate.open()
        assert {future.result().status_code for future in running} == {200}
    until(lambda: standing(gateway, "waiter")["under_way"] == 0)
    assert len(world.openai.requests) == 7
