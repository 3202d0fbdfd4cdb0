"""The queue: requests over a limit wait their turn, the tenants take turns, and nobody waits for ever."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.answers import DIALECTS, OPENAI, error_of, read, read_stream
from support.envoy import Envoy
from support.gateway import bearer, body_for, chat_body, path_for
from support.sim import fail, stream
from support.sim.behaviour import Gate

TENANTS = ["loud", "quiet", "leaver", "slow", "full", "rate", "stays", "doc", "any"]


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


def config(world, timeout, size):
    def limit(tenant, **terms):
        return {"per": "tenant", "name": tenant, "only": {"tenant": [tenant]}, "over": "queue", **terms}

    return {
        "keys": [
            {"id": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), "tenant": name}
            for name in TENANTS
        ],
        "queue": {"timeout": timeout, "size": size},
        "models": {"to-second": "second/gpt-4.1", "to-both": ["second/gpt-4.1", "claude/claude-sonnet-4-5"]},
        "limits": [
            {"name": "turns", "concurrent": 1, "over": "queue", "only": {"tenant": ["loud", "quiet"]}},
            limit("leaver", concurrent=1),
            limit("slow", concurrent=1),
            limit("full", concurrent=1),
            limit("stays", concurrent=1),
            limit("rate", requests="20/s", burst=1),
            limit("doc", concurrent=2),
            {
                "per": "provider",
                "name": "providers",
                "concurrent": 1,
                "over": "queue",
                "only": {"provider": ["second", "claude"], "model": ["to-second", "to-both"]},
            },
        ],
    }


@pytest.fixture(scope="module")
def gateway(make_gateway, standing_world):
    return make_gateway(**config(standing_world, "30s", 50))


@pytest.fixture(scope="module")
def impatient(make_gateway, standing_world):
    return make_gateway(**config(standing_world, "500ms", 2))


def post(gateway, name, said="hi", dialect=OPENAI, **more):
    with httpx.Client(base_url=gateway.url, timeout=60) as client:
        body = body_for(dialect, "gpt", said, **more)
        return client.post(path_for(dialect), json=body, headers=bearer(secret(name)))


def waited(check, timeout=10.0):
    until = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_tenants_take_turns(world, gateway):
    """One limit for all; the loud one's twenty came first, and the quiet one's two do not wait for them all."""
    gate = Gate()
    world.openai.script(stream(gate=gate))
    with ThreadPoolExecutor(30) as pool:
        running = [pool.submit(post, gateway, "loud", "first")]
        assert gate.reached.wait(10)
        before = gateway.metric("tollgate_queued")
        running += [pool.submit(post, gateway, "loud", f"loud {n}") for n in range(20)]
        waited(lambda: gateway.metric("tollgate_queued") == before + 20)
        running += [pool.submit(post, gateway, "quiet", f"quiet {n}") for n in range(2)]
        waited(lambda: gateway.metric("tollgate_queued") == before + 22)
        gate.open()
        answers = [future.result() for future in running]
    assert {answer.status_code for answer in answers} == {200}
    said = [request.json["messages"][0]["content"] for request in world.openai.requests]
    assert len(said) == 23
    last_quiet = max(at for at, text in enumerate(said) if text.startswith("quiet"))
    # The two workers take turns, and within each the tenants do: a quiet one comes second in each.
    assert last_quiet <= 8, said
    line = gateway.audited(answers[-1])
    assert line["limited_by"] == "turns" and line["queued_ms"] >= 0 and line["status"] == 200
    # Envoy merges the workers' histograms every few seconds.
    for histogram in ("tollgate_queue_wait_ms_count", "tollgate_queue_depth_count"):
        waited(lambda name=histogram: gateway.metric(name) >= 22, 15)


def test_whoever_waits_for_a_rate_comes_when_it_is_time(world, gateway):
    """One at once and twenty a second: five wait for a quarter of a second, in the order of the queue."""
    started = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: post(gateway, "rate", f"n {n}"), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert time.monotonic() - started >= 0.24
    texts = {read(OPENAI, answer.json()).text for answer in answers}
    assert texts == {f"echo: n {n}" for n in range(6)}


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_waited_is_answered_like_any_other(world, gateway, client, streamed):
    gate = Gate()
    world.openai.script(stream(gate=gate), stream(gate=gate), fail(503))
    body = body_for(client, "gpt-then-claude", "hello there", **({"stream": True} if streamed else {}))
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(post, gateway, "doc") for _ in range(2)]
        waited(lambda: len(world.openai.requests) == 2)
        before = gateway.metric("tollgate_queued")
        third = pool.submit(gateway.http.post, path_for(client), json=body, headers=bearer(secret("doc")))
        waited(lambda: gateway.metric("tollgate_queued") == before + 1)
        gate.open()
        answer = third.result()
        assert {future.result().status_code for future in running} == {200}
    assert answer.status_code == 200
    seen = read_stream(client, answer.content) if streamed else read(client, answer.json())
    assert seen.text == "echo: hello there"
    assert answer.headers["x-tollgate-provider"] == "claude"
    assert len(gateway.audited(answer)["attempts"]) == 2


@pytest.mark.parametrize("client", DIALECTS)
def test_nobody_waits_for_ever(world, impatient, client):
    gate = Gate()
    world.openai.script(stream(gate=gate))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(post, impatient, "slow")
        assert gate.reached.wait(10)
        started = time.monotonic()
        answer = post(impatient, "slow", dialect=client)
        took = time.monotonic() - started
        gate.open()
        assert first.result().status_code == 200
    assert answer.status_code == 429, answer.text
    assert 0.45 < took < 5
    error = error_of(client, answer.json())
    assert error["type"] == "rate_limit_error" and "has waited" in error["message"]
    assert int(answer.headers["retry-after"]) >= 1
    line = impatient.audited(answer)
    assert line["limited_by"] == "slow" and line["queued_ms"] >= 450 and line["status"] == 429
    assert impatient.metric("tollgate_queue_timeouts", tenant="slow") >= 1
    assert len(world.openai.requests) == 1


def test_where_a_stream_is_an_array_the_refusal_is_one_too(world, impatient):
    gate = Gate()
    world.openai.script(stream(gate=gate))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, impatient, "slow")
        assert gate.reached.wait(10)
        answer = impatient.http.post(
            "/v1beta/models/gpt:streamGenerateContent",
            json={"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
            headers=bearer(secret("slow")),
        )
        gate.open()
        assert first.result().status_code == 200
    assert answer.status_code == 429, answer.text
    (refusal,) = answer.json()
    assert refusal["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_a_full_queue_refuses_at_once(world, impatient):
    gate = Gate()
    world.openai.always(stream(gate=gate))
    with ThreadPoolExecutor(12) as pool:
        running = [pool.submit(post, impatient, "full") for _ in range(12)]
        # One is under way, two a worker wait at most, the rest is refused before any wait is over.
        waited(lambda: sum(future.done() for future in running) >= 7)
        gate.open()
        statuses = [future.result().status_code for future in running]
    assert statuses.count(429) >= 7 and 200 in statuses


def test_a_client_that_leaves_frees_its_place(world, gateway):
    gate = Gate()
    world.openai.script(stream(gate=gate))
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(post, gateway, "leaver", "first")
        assert gate.reached.wait(10)
        before = gateway.metric("tollgate_queued")
        with httpx.Client(base_url=gateway.url, timeout=0.3) as client, pytest.raises(httpx.ReadTimeout):
            client.post("/v1/chat/completions", json=chat_body("gpt", "gone"), headers=bearer(secret("leaver")))
        third = pool.submit(post, gateway, "leaver", "third")
        waited(lambda: gateway.metric("tollgate_queued") == before + 2)
        gate.open()
        assert (first.result().status_code, third.result().status_code) == (200, 200)
    said = [request.json["messages"][0]["content"] for request in world.openai.requests]
    assert said == ["first", "third"]
    line = gateway.audit_where(lambda line: line.get("key_id") == "leaver" and line["status"] == 0)
    assert line["model_asked"] == "gpt"
    assert (line["error"]["type"], line["limited_by"]) == ("client_disconnect", "leaver")
    assert line["queued_ms"] >= 200


def test_hundreds_through_one_place(world, gateway):
    """Every finished request lets the next one in, on either worker."""
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda n: post(gateway, "stays", f"n {n}"), range(120)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(world.openai.requests) == 120
    assert isinstance(gateway.envoy, Envoy)


def crowd(pool, gateway, name, count):
    return [pool.submit(post, gateway, name, f"{name} {n}") for n in range(count)]


def test_a_crowd_gives_way_in_a_full_queue(world, make_gateway):
    """Two places a worker, all taken by the loud one; the quiet one's request gets one of them, and comes in its turn."""
    config_ = config(world, "30s", 2)
    gateway = make_gateway(**config_)
    gate = Gate()
    world.openai.script(stream(gate=gate))
    with ThreadPoolExecutor(60) as pool:
        running = [pool.submit(post, gateway, "loud", "first")]
        assert gate.reached.wait(10)
        # Both workers' queues are full when so many were refused; the last of the loud one's were.
        loud = crowd(pool, gateway, "loud", 40)
        waited(lambda: sum(future.done() for future in loud) >= 36)
        assert gateway.metric("tollgate_queue_displaced") == 0, "not for more of the same tenant"
        quiet = crowd(pool, gateway, "quiet", 1)
        waited(lambda: gateway.metric("tollgate_queue_displaced", tenant="loud") == 1)
        waited(lambda: sum(future.done() for future in loud) == 37)
        assert not quiet[0].done()
        gate.open()
        assert quiet[0].result().status_code == 200
        assert running[0].result().status_code == 200
        answers = [future.result() for future in loud]
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 37
    (displaced,) = [answer for answer in answers if "gave its place in it" in answer.text]
    assert displaced.json()["error"]["code"] == "rate_limit_exceeded"
    assert "retry-after" in displaced.headers
    line = gateway.audited(displaced)
    assert (line["status"], line["limited_by"], line["tenant"]) == (429, "turns", "loud")


def test_who_leaves_makes_room_in_a_full_queue(world, make_gateway):
    gateway = make_gateway(**config(world, "30s", 2))
    gate = Gate()
    world.openai.script(stream(gate=gate))
    with ThreadPoolExecutor(60) as pool:
        first = pool.submit(post, gateway, "stays", "first")
        assert gate.reached.wait(10)
        before = gateway.metric("tollgate_queued")

        def impatient_one(n):
            with httpx.Client(base_url=gateway.url, timeout=5) as client:
                try:
                    body = chat_body("gpt", f"gone {n}")
                    return client.post("/v1/chat/completions", json=body, headers=bearer(secret("stays"))).status_code
                except httpx.ReadTimeout:
                    return None

        gone = [pool.submit(impatient_one, n) for n in range(40)]
        waited(lambda: sum(future.done() for future in gone) == 40)
        outcome = [future.result() for future in gone]
        assert (outcome.count(None), outcome.count(429)) == (4, 36)
        assert gateway.metric("tollgate_queued") == before + 4
        # Their places are free again, on both workers.
        waited(lambda: sum(line["status"] == 0 for line in gateway.audit() if line.get("key_id") == "stays") == 4)
        later = crowd(pool, gateway, "stays", 40)
        waited(lambda: sum(future.done() for future in later) >= 36)
        assert gateway.metric("tollgate_queued") == before + 8
        gate.open()
        assert first.result().status_code == 200
        statuses = [future.result().status_code for future in later]
    assert (statuses.count(200), statuses.count(429)) == (4, 36)
    said = [request.json["messages"][0]["content"] for request in world.openai.requests]
    assert not [text for text in said if text.startswith("gone")]


@pytest.mark.parametrize("model", ["to-second", "to-both"])
def test_who_waits_for_a_provider(world, gateway, model):
    """With none of a chain's providers free, a request waits until one is."""
    gate = Gate()
    world.second.always(stream(gate=gate))
    world.claude.always(stream(gate=gate))
    taken = 1 if model == "to-second" else 2

    def one(n):
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            body = chat_body(model, f"n {n}")
            return client.post("/v1/chat/completions", json=body, headers=bearer(secret("any")))

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(one, n) for n in range(taken)]
        waited(lambda: len(world.second.requests) + len(world.claude.requests) == taken)
        before = gateway.metric("tollgate_queued")
        running += [pool.submit(one, 10 + n) for n in range(4)]
        waited(lambda: gateway.metric("tollgate_queued") == before + 4)
        if model == "to-second":
            # Which gives its place to the next one like any other end. (A fallback would need a free place elsewhere.)
            world.second.script(fail(503))
        gate.open()
        answers = [future.result() for future in running]
    failed = [answer for answer in answers if answer.status_code != 200]
    assert len(failed) == (1 if model == "to-second" else 0), [answer.text for answer in failed]
    waiting = [gateway.audited(answer) for answer in answers[taken:]]
    assert {line["limited_by"] for line in waiting} == {"providers"}
