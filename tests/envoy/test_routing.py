"""Who is asked first: strategies over the workers of one Envoy, and senders that stay where they are."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.gateway import chat_body
from support.sim import Gate, fail, stream

ONE, TWO = "openai/gpt-4o", "second/gpt-4.1"


@pytest.fixture(scope="module")
def gate(make_gateway):
    def target(name, weight):
        provider, model = name.split("/")
        return {"provider": provider, "model": model, "weight": weight}

    def model(strategy, **more):
        return {"targets": [ONE, TWO], "strategy": strategy} | more

    models = {
        "split": {"targets": [target(ONE, 3), target(TWO, 1)], "strategy": "weighted"},
        "spare": {"targets": [target(ONE, 0), target(TWO, 1)], "strategy": "weighted"},
        "busy": model("least_busy"),
        "quick": model("lowest_latency"),
        "cheap": model("lowest_cost"),
        "quota": model("most_quota"),
        "plain": [ONE, TWO],
        "by-tenant": model("ordered", sticky="tenant"),
        "by-session": model("ordered", sticky="session"),
    }
    prices = {"gpt-4o": {"input": 10, "output": 10}, "gpt-4.1": {"input": 1, "output": 100}}
    identity = {"headers": {"tenant": "x-tenant"}}
    return make_gateway(models=models, prices=prices, identity=identity)


def fresh(gate, model, headers=None, **more):
    """On a connection of its own: the kernel spreads connections over the workers."""
    with httpx.Client(base_url=gate.url, timeout=30) as http:
        answer = http.post("/v1/chat/completions", json=chat_body(model, **more), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def provider(answer):
    return answer.headers["x-tollgate-provider"]


def test_weights_hold(gate, world):
    with ThreadPoolExecutor(8) as pool:
        counts = Counter(pool.map(lambda _: provider(fresh(gate, "split")), range(400)))
    assert 260 < counts["openai"] < 340, counts
    assert gate.metric("tollgate_routed", model="split", **{"class": "weighted"}) == 400


def test_the_rest_of_the_chain_is_the_fallback(gate, world):
    world.openai.always(fail(503))
    world.second.always(fail(503))
    answer = gate.chat("split")
    assert answer.status_code == 503
    assert {one["provider"] for one in answer.json()["error"]["attempts"]} == {"openai", "second"}
    world.second.always(None)
    assert provider(fresh(gate, "split")) == "second"


def test_a_target_without_weight_is_the_last_resort(gate, world):
    assert {provider(fresh(gate, "spare")) for _ in range(20)} == {"second"}
    world.second.script(fail(503))
    assert provider(fresh(gate, "spare")) == "openai"


def test_the_least_busy_over_all_workers(gate, world):
    """Twelve requests at once that nobody answers yet: six at each, whichever worker they came to."""
    held = Gate()
    world.openai.always(stream(gate=held))
    world.second.always(stream(gate=held))
    with ThreadPoolExecutor(12) as pool:
        answers = []
        for number in range(1, 13):
            answers.append(pool.submit(fresh, gate, "busy"))
            world.openai.wait_for(lambda _, n=number: len(world.openai.requests) + len(world.second.requests) == n)
        assert (len(world.openai.requests), len(world.second.requests)) == (6, 6)
        held.open()
        assert Counter(provider(answer.result()) for answer in answers) == {"openai": 6, "second": 6}


def test_those_that_left_are_not_busy(gate, world):
    held = Gate()
    world.openai.always(stream(gate=held))
    world.second.always(stream(gate=held))
    for number in range(1, 5):
        with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=gate.url, timeout=0.3) as http:
            http.post("/v1/chat/completions", json=chat_body("busy"))
        seen = lambda _, n=number: sum(r.aborted for s in (world.openai, world.second) for r in s.requests) == n
        world.openai.wait_for(seen)
    held.open()
    test_the_least_busy_over_all_workers(gate, _again(world))


def _again(world):
    world.clear()
    return world


def test_the_quickest(gate, world):
    world.openai.always(stream(before_headers=1.5))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fresh(gate, "quick"), range(8)))
    counts = Counter(provider(fresh(gate, "quick")) for _ in range(20))
    assert counts["second"] >= 18, counts
    line = gate.audited(fresh(gate, "quick"))
    assert line["routed_by"] == {"strategy": "lowest_latency"}


def test_the_cheapest_for_each_request(gate, world):
    assert provider(fresh(gate, "cheap", max_tokens=4000)) == "openai"
    assert provider(fresh(gate, "cheap", messages="word " * 5000, max_tokens=1)) == "second"


def test_the_one_with_most_left(gate, world):
    def left(requests):
        return stream(headers={"x-ratelimit-remaining-requests": requests, "x-ratelimit-limit-requests": "100"})

    world.openai.always(left("10"))
    world.second.always(left("90"))
    for _ in range(4):
        fresh(gate, "quota")
    assert {provider(fresh(gate, "quota")) for _ in range(12)} == {"second"}
    world.second.always(left("5"))
    fresh(gate, "quota")
    assert provider(fresh(gate, "quota")) == "openai"


@pytest.mark.parametrize("by", ["tenant", "session"])
def test_senders_stay_and_fall_back(gate, world, by):
    header = {"tenant": "x-tenant", "session": "x-session-id"}[by]
    model = f"by-{by}"
    homes = {name: provider(fresh(gate, model, {header: name})) for name in (f"n{n}" for n in range(24))}
    assert set(homes.values()) == {"openai", "second"}
    for name, home in homes.items():
        assert provider(fresh(gate, model, {header: name})) == home, "whichever worker it comes to"
    name = next(name for name, home in homes.items() if home == "openai")
    world.openai.script(fail(503))
    assert provider(fresh(gate, model, {header: name})) == "second"
    assert provider(fresh(gate, model, {header: name})) == "openai"
    assert gate.audited(fresh(gate, model, {header: name}))["routed_by"] == {"strategy": f"sticky_{by}"}


def test_without_a_strategy_the_order_of_the_file_stands(gate, world):
    assert {provider(fresh(gate, "plain")) for _ in range(10)} == {"openai"}
    assert "routed_by" not in gate.audited(fresh(gate, "plain"))
