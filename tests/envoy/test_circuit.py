"""Targets that fail are left alone: circuits over all workers, one request that tries, and pauses after a 429."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.answers import DIALECTS, error_of
from support.gateway import chat_body
from support.sim import Gate, Steps, fail, raw, reset, stream, stream_error

BACKUP = "second/gpt-4.1"


@pytest.fixture(scope="module")
def gate(make_gateway, standing_world):
    """Every test has a target of its own, so that what one of them breaks is broken for nobody else."""
    names = [f"m{n}" for n in range(40)]
    breaker = {"failure_threshold": 3, "success_threshold": 2, "open": "1h", "max_cooldown": "5m"}
    models = {name: [f"openai/gpt-4o-{name}", BACKUP] for name in names}
    models |= {
        f"brief-{name}": {"targets": [f"openai/gpt-4o-{name}", BACKUP], "circuit_breaker": {"open": "2s"}}
        for name in names
    }
    # Anthropic has no seed.
    models |= {
        f"seeded-{name}": {"targets": [f"openai/gpt-4o-{name}", "claude/claude-sonnet-4-5"], "drop_params": False}
        for name in names
    }
    models |= {f"alone-{name}": f"openai/gpt-4o-{name}" for name in names}
    models |= {f"dead-{name}": [f"dead/{name}", BACKUP] for name in names}
    models |= {
        f"quick-{name}": {"targets": [f"openai/gpt-4o-{name}", BACKUP], "timeout": "1s"} for name in names
    }
    models |= {
        f"short-{name}": {"targets": [f"openai/gpt-4o-{name}", BACKUP], "request_timeout": "1s"} for name in names
    }
    models |= {f"unwatched-{name}": {"targets": [f"openai/gpt-4o-{name}", BACKUP],
                                     "circuit_breaker": {"failure_threshold": 0}} for name in names}
    return make_gateway(models=models, defaults={"circuit_breaker": breaker})


@pytest.fixture
def name(request):
    """A target that no other test knows."""
    number = _numbers.setdefault(request.node.nodeid, len(_numbers))
    return f"m{number}"


_numbers: dict[str, int] = {}


def provider(answer):
    return answer.headers["x-tollgate-provider"]


def health(gate, name, of="openai/gpt-4o-"):
    return gate.http.get("/health").json()["targets"][f"{of}{name}"]


def fresh(gate, model, **more):
    """On a connection of its own: the kernel spreads connections over the workers."""
    with httpx.Client(base_url=gate.url, timeout=30) as http:
        return http.post("/v1/chat/completions", json=chat_body(model, **more))


def break_it(gate, world, name, model=None):
    """Three failures in a row, each on a connection of its own."""
    world.openai.script(*[fail(503)] * 3)
    for _ in range(3):
        assert provider(fresh(gate, model or name)) == "second"
    world.openai.wait_for(lambda sim: len(sim.requests) == 3)
    assert health(gate, name)["circuit"]["state"] == "open"


def health_where(gate, name, check, of="openai/gpt-4o-"):
    """The page, once it shows this: a worker tells the others within a second what it saw."""
    until = time.monotonic() + 5
    while not check(seen := health(gate, name, of)):
        assert time.monotonic() < until, seen
        time.sleep(0.05)
    return seen


def wait_until_due(gate, name):
    until = time.monotonic() + 10
    while True:
        circuit = health(gate, name)["circuit"]
        if circuit.get("until") is None or _seconds(circuit["until"]) < time.time():
            return
        assert time.monotonic() < until, circuit
        time.sleep(0.02)


def _seconds(text):
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_an_open_target_gets_no_request_from_any_worker(gate, world, name):
    break_it(gate, world, name)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: fresh(gate, name), range(16)))
    assert {provider(answer) for answer in answers} == {"second"}
    assert {answer.headers["x-tollgate-attempts"] for answer in answers} == {"1"}
    assert len(world.openai.requests) == 3
    note = gate.audited(answers[0])["attempts"][0]
    assert (note["provider"], note["status"]) == ("openai", None)
    assert note["reason"].startswith("skipped: the circuit is open for another ")
    assert gate.metric("tollgate_circuit_changes", model=f"gpt-4o-{name}", **{"class": "open"}) == 1
    assert gate.metric("tollgate_attempts", model=name, status="skipped") == 16


@pytest.mark.parametrize("client", DIALECTS)
def test_with_nobody_left_the_client_is_told_when_to_come_again(gate, world, name, client):
    break_it(gate, world, name)
    answer = gate.ask(client, f"alone-{name}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "3600"
    assert "the circuit is open" in error_of(client, answer.json())["message"]
    assert len(world.openai.requests) == 3


def test_one_request_of_all_workers_tries(gate, world, name):
    """While the one that tries is held at the provider, sixteen others on both workers go elsewhere."""
    break_it(gate, world, name, f"brief-{name}")
    held = Gate()
    world.openai.script(stream(gate=held))
    wait_until_due(gate, name)
    with ThreadPoolExecutor(17) as pool:
        answers = [pool.submit(fresh, gate, f"brief-{name}") for _ in range(17)]
        assert held.reached.wait(5)
        others = []
        until = time.monotonic() + 10
        while len(others) < 16:
            assert time.monotonic() < until, f"only {len(others)} went elsewhere"
            others = [future for future in answers if future.done()]
            time.sleep(0.01)
        assert len(world.openai.requests) == 4, "the three that failed, and one that tries"
        assert health(gate, name)["circuit"]["state"] == "half_open"
        held.open()
        everyone = [future.result() for future in answers]
    assert sorted(provider(answer) for answer in everyone) == ["openai"] + ["second"] * 16
    assert {answer.status_code for answer in everyone} == {200}


def test_good_answers_close_it(gate, world, name):
    break_it(gate, world, name, f"brief-{name}")
    wait_until_due(gate, name)
    assert provider(fresh(gate, f"brief-{name}")) == "openai"
    assert health(gate, name)["circuit"]["state"] == "half_open", "two good answers are needed"
    assert provider(fresh(gate, f"brief-{name}")) == "openai"
    assert health(gate, name)["circuit"] == {"state": "closed", "failures": 0}
    assert gate.metric("tollgate_circuit_changes", model=f"gpt-4o-{name}", **{"class": "closed"}) == 1
    world.openai.script(fail(503))
    assert provider(fresh(gate, f"brief-{name}")) == "second"
    assert provider(fresh(gate, f"brief-{name}")) == "openai", "the count begins anew"


def test_the_first_content_of_a_stream_is_answer_enough(gate, world, name):
    break_it(gate, world, name, f"brief-{name}")
    wait_until_due(gate, name)
    steps = Steps(3)
    world.openai.script(stream(steps=steps))
    body = chat_body(f"brief-{name}", "long 50", stream=True)
    with httpx.Client(base_url=gate.url, timeout=30) as http:
        with http.stream("POST", "/v1/chat/completions", json=body) as answer:
            lines = answer.iter_lines()
            assert next(line for line in lines if "w1" in line)
            assert provider(fresh(gate, f"brief-{name}")) == "openai", "nobody waits for the end of the stream"
            assert health(gate, name)["circuit"]["state"] == "closed", "these were the two good answers needed"
            steps.release(100)
            assert [line for line in lines if line][-1] == "data: [DONE]"
    assert health(gate, name)["circuit"] == {"state": "closed", "failures": 0}


def test_a_failure_of_the_one_that_tries_opens_it_again(gate, world, name):
    break_it(gate, world, name, f"brief-{name}")
    wait_until_due(gate, name)
    world.openai.script(fail(500))
    assert provider(fresh(gate, f"brief-{name}")) == "second"
    assert len(world.openai.requests) == 4
    assert provider(fresh(gate, f"brief-{name}")) == "second"
    assert len(world.openai.requests) == 4
    assert health(gate, name)["circuit"]["state"] == "open"


def test_a_client_that_leaves_gives_the_place_back(gate, world, name):
    break_it(gate, world, name, f"brief-{name}")
    wait_until_due(gate, name)
    held = Gate()
    world.openai.script(stream(gate=held))
    with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=gate.url, timeout=0.3) as http:
        http.post("/v1/chat/completions", json=chat_body(f"brief-{name}"))
    world.openai.wait_for(lambda sim: sim.last.aborted)
    held.open()
    assert gate.audit_where(lambda line: line.get("model_asked") == f"brief-{name}" and line["status"] in (0, 499))
    assert provider(fresh(gate, f"brief-{name}")) == "openai"


@pytest.mark.parametrize(
    ("behaviour", "streamed", "class_"),
    [
        (fail(500), False, "server"),
        (fail(529), False, "server"),
        (reset(), False, "connection"),
        (raw(b"{}", status=200), False, "bad_answer"),
        (raw(b"", status=200), False, "bad_answer"),
        (stream_error(0), True, "stream"),
        (stream_error(1), True, "stream"),
    ],
    ids=["500", "529", "reset", "no-answer", "empty", "error-event", "error-after-content"],
)
def test_what_opens_it(gate, world, name, behaviour, streamed, class_):
    world.openai.script(*[behaviour] * 3)
    for _ in range(3):
        fresh(gate, name, stream=streamed)
    assert health(gate, name)["circuit"]["state"] == "open", "that is known at once"
    seen = health_where(gate, name, lambda seen: seen["requests"] == 3)
    assert (seen["errors"], seen["last_error"]["class"]) == ({class_: 3}, class_)


def test_silence_and_refused_connections_open_it(gate, world, name):
    world.openai.script(*[stream(before_headers=30)] * 3)
    for _ in range(3):
        assert provider(fresh(gate, f"quick-{name}")) == "second"
    seen = health_where(gate, name, lambda seen: seen["requests"] == 3)
    assert (seen["circuit"]["state"], seen["errors"]) == ("open", {"timeout": 3})
    for _ in range(3):
        assert provider(fresh(gate, f"dead-{name}")) == "second"
    dead = health_where(gate, name, lambda seen: seen["requests"] == 3, "dead/")
    assert (dead["circuit"]["state"], dead["errors"]) == ("open", {"connection": 3})
    answer = fresh(gate, f"dead-{name}")
    assert gate.audited(answer)["attempts"][0]["reason"].startswith("skipped: ")


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429])
def test_what_does_not(gate, world, name, status):
    world.openai.script(*[fail(status)] * 6)
    for _ in range(6):
        fresh(gate, f"alone-{name}")
    assert len(world.openai.requests) == 6
    assert health(gate, name)["circuit"]["state"] == "closed"


def test_clients_that_leave_do_not_open_it(gate, world, name):
    held = Gate()
    world.openai.script(*[stream(gate=held)] * 4)
    for number in range(1, 5):
        with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=gate.url, timeout=0.2) as http:
            http.post("/v1/chat/completions", json=chat_body(name))
        world.openai.wait_for(lambda sim, number=number: [r.aborted for r in sim.requests].count(True) == number)
    held.open()
    assert provider(fresh(gate, name)) == "openai"
    assert health(gate, name)["circuit"] == {"state": "closed", "failures": 0}


def test_a_threshold_of_zero_switches_it_off(gate, world, name):
    world.openai.script(*[fail(503)] * 6)
    for _ in range(6):
        assert provider(fresh(gate, f"unwatched-{name}")) == "second"
    assert len(world.openai.requests) == 6


def test_failures_are_counted_exactly_by_all_workers(gate, world, name):
    """Thirty requests at once, all to a provider that fails: as many come there as were under way when it opened."""
    held = Gate()
    world.openai.script(*[stream(gate=held, status=503)] * 30)
    with ThreadPoolExecutor(30) as pool:
        answers = [pool.submit(fresh, gate, name) for _ in range(30)]
        world.openai.wait_for(lambda sim: len(sim.requests) == 30)
        held.open()
        assert {provider(answer.result()) for answer in answers} == {"second"}
    assert health_where(gate, name, lambda seen: seen["requests"] == 30)["errors"] == {"server": 30}
    assert gate.metric("tollgate_circuit_changes", model=f"gpt-4o-{name}", **{"class": "open"}) == 1


def test_a_429_is_passed_over_for_as_long_as_it_asks(gate, world, name):
    world.openai.script(fail(429, "30"))
    assert provider(fresh(gate, name)) == "second"
    for _ in range(6):
        assert provider(fresh(gate, name)) == "second"
    assert len(world.openai.requests) == 1
    note = gate.audited(fresh(gate, name))["attempts"][0]
    assert note["reason"].startswith("skipped: cooling down after a 429 for another ")
    until = health(gate, name)["cooled_until"]
    assert 0 < _seconds(until) - time.time() <= 30


def test_whoever_alone_can_take_a_request_is_asked_in_a_pause_too(gate, world, name):
    world.openai.script(fail(429, "30"))
    assert provider(fresh(gate, name)) == "second"
    answer = fresh(gate, f"seeded-{name}", seed=7)
    assert (answer.status_code, provider(answer)) == (200, "openai"), answer.text
    # And where it says no again, its word is the one that counts.
    world.openai.script(fail(429, "20"))
    answer = fresh(gate, f"seeded-{name}", seed=7)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "20"), answer.text


def test_behind_a_circuit_it_is_waited_for(gate, world, name):
    world.openai.script(*[fail(503)] * 3)
    for _ in range(3):
        fresh(gate, name)
    answer = fresh(gate, f"seeded-{name}", seed=7)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "circuit_open"), answer.text
    assert 3500 < int(answer.headers["retry-after"]) <= 3600
    reasons = [one["reason"] for one in gate.audited(answer)["attempts"]]
    assert len(reasons) == 2 and "circuit is open" in reasons[0] and "seed" in reasons[1]


def test_after_the_time_a_429_asked_for_its_target_is_asked_again(gate, world, name):
    world.openai.script(fail(429, "1"))
    began = time.monotonic()
    while provider(fresh(gate, name)) == "second":
        assert time.monotonic() - began < 60
    assert time.monotonic() - began > 0.9
    assert "cooled_until" not in health(gate, name)


def test_where_everybody_cools_down_one_is_asked_all_the_same(gate, world, name):
    world.openai.script(fail(429, "30"))
    assert fresh(gate, f"alone-{name}").status_code == 429
    assert fresh(gate, f"alone-{name}").status_code == 200


def test_quota_headers_are_on_the_page(gate, world, name):
    left = {"x-ratelimit-remaining-requests": "17", "x-ratelimit-limit-requests": "500",
            "x-ratelimit-remaining-tokens": "2900", "x-ratelimit-limit-tokens": "30000"}  # fmt: skip
    world.openai.script(stream(headers=left))
    fresh(gate, name)
    quota = health_where(gate, name, lambda seen: "quota" in seen)["quota"]
    assert quota["requests"] == {"remaining": 17, "limit": 500}
    assert quota["tokens"] == {"remaining": 2900, "limit": 30000}


def test_an_answer_that_is_long_does_not_open_it(gate, world, name):
    """The limit of the whole request is the gateway's own: a stream that it ends came as it should."""
    for _ in range(4):
        world.openai.script(stream(between=0.1))
        asked = chat_body(f"short-{name}", "long 60", stream=True)
        with httpx.stream("POST", f"{gate.url}/v1/chat/completions", json=asked) as answer:
            assert provider(answer) == "openai"
            with pytest.raises(httpx.RemoteProtocolError):
                answer.read()
    until = time.monotonic() + 5
    while len(lines := [line for line in gate.audit() if line.get("model_asked") == f"short-{name}"]) < 4:
        assert time.monotonic() < until
        time.sleep(0.05)
    said = {(line["error"]["type"], line["error"]["message"], line["usage_status"]) for line in lines}
    whole = "The answer was not over within 1000 ms, the limit of the whole request, and was cut off."
    assert said == {("timeout", whole, "partial")}
    assert health(gate, name)["circuit"] == {"state": "closed", "failures": 0}
