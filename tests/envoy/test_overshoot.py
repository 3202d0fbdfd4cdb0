"""Whatever becomes of requests, and however many there are at once: a budget is never overdrawn, and counts what was used."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.gateway import bearer, chat_body
from support.sim import cut, fail, reset, stream, stream_error
from support.world import GPT

LIMIT = 3600
OUTPUT = 60
PRICES = {name: {"input": 2.0, "output": 8.0} for name in (GPT, "gpt-4o-2024-08-06", "gpt-4.1")}
KEY = "tg-storm-8f14e45fceea167a"


@pytest.fixture(scope="module")
def gateway(make_gateway):
    return make_gateway(
        prices=PRICES,
        keys=[{"id": "storm", "sha256": hashlib.sha256(KEY.encode()).hexdigest(), "tenant": "storm"}],
        budgets=[
            {"name": "tokens", "per": "tenant", "tokens": LIMIT, "every": "month"},
            {"name": "money", "per": "tenant", "usd": 100, "every": "month"},
        ],
        defaults={"circuit_breaker": {"failure_threshold": 0}},
    )


def budgets(http):
    return {entry["name"]: entry for entry in http.get("/v1/budget", headers=bearer(KEY)).json()["budgets"]}


def one(url, n):
    """One request of many kinds; its status, or 0 where its end was not waited for or did not come."""
    streamed = n % 2 == 0
    more = {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
    body = chat_body("gpt-then-second", "hi", max_tokens=OUTPUT, **more)
    with httpx.Client(base_url=url, timeout=20) as http:
        try:
            with http.stream("POST", "/v1/chat/completions", json=body, headers=bearer(KEY)) as answer:
                if n % 6 == 0 and answer.status_code == 200:
                    lines = answer.iter_lines()
                    next(lines)
                    return 0
                answer.read()
                return answer.status_code
        except httpx.HTTPError:
            return 0


def at_rest(gateway):
    """The budgets once nothing is under way any more."""
    until = time.monotonic() + 10
    while (left := budgets(gateway.http))["tokens"]["reserved"] > 0:
        assert time.monotonic() < until, left
        time.sleep(0.05)
    return left


@pytest.mark.timeout(300)
def test_a_storm_of_everything(world, gateway):
    chance = random.Random(7)
    kinds = [lambda: stream(before_headers=0.02), lambda: fail(500), lambda: cut(1), reset, lambda: stream_error(1),
             lambda: stream(between=0.01)]  # fmt: skip
    weights = [6, 2, 1, 1, 1, 6]
    for sim in (world.openai, world.second):
        sim.script(*[chance.choices(kinds, weights)[0]() for _ in range(3000)])
    seen, over = [], threading.Event()

    def watch():
        with httpx.Client(base_url=gateway.url, timeout=20) as http:
            while not over.is_set():
                seen.append(budgets(http)["tokens"])
                time.sleep(0.01)

    statuses = []
    with ThreadPoolExecutor(41) as pool:
        watching = pool.submit(watch)
        try:
            # Until next to nothing is left: of so many at once none fits, with nothing reserved for others.
            while set(statuses[-80:]) != {429} and len(statuses) < 4000:
                at_rest(gateway)
                more = range(len(statuses), len(statuses) + 80)
                statuses += list(pool.map(lambda n: one(gateway.url, n), more))
        finally:
            over.set()
        watching.result()
    assert {200, 0, 429} <= set(statuses)
    assert statuses.count(200) > 50 and statuses.count(0) > 20, statuses
    for state in seen:
        assert state["spent"] + state["reserved"] <= LIMIT, state
        assert state["spent"] + state["reserved"] + state["remaining"] == LIMIT, state
    assert max(state["reserved"] for state in seen) > 10 * OUTPUT, "many were under way at once"

    left = at_rest(gateway)
    assert 0 <= left["tokens"]["remaining"] < 2 * OUTPUT, "all of it could be used"
    # What was counted is what the audit says was used, to the token and to the millionth of a dollar.
    lines = [line for line in gateway.audit() if line.get("tenant") == "storm" and "usage" in line]
    used = sum(line["usage"].get("input", 0) + line["usage"].get("output", 0) for line in lines)
    paid = sum(round(line.get("cost_usd", 0) * 1e6) for line in lines)
    assert left["tokens"]["spent"] == used
    assert round(left["money"]["spent"] * 1e6) == paid
    assert {line.get("usage_status") for line in lines} >= {"complete", "partial"} or len(lines) > 50
