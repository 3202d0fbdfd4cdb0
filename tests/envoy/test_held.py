"""The bodies that a worker holds: a bound to their sum, given back at every end, and a share for each tenant."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from support.answers import DIALECTS, error_of
from support.gateway import bearer, body_for, path_for
from support.sim import fail, stream
from support.sim.behaviour import Gate

TENANTS = ["loud", "quiet", "slow"]
MIB = 1 << 20


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


@pytest.fixture
def gateway(make_gateway, world):
    return make_gateway(
        server={"max_body": "1MiB", "max_held": "4MiB"},
        queue={"timeout": "30s", "max_held": "1MiB"},
        keys=[
            {"id": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), "tenant": name}
            for name in TENANTS
        ],
        limits=[{"name": "one", "per": "tenant", "only": {"tenant": ["slow"]}, "concurrent": 1, "over": "queue"}],
    )


def post(gateway, name, size, dialect="openai_chat", timeout=60.0, **more):
    with httpx.Client(base_url=gateway.url, timeout=timeout) as client:
        return client.post(
            path_for(dialect), json=body_for(dialect, "gpt", "a" * size, **more), headers=bearer(secret(name))
        )


def waited(check, timeout=15.0):
    until = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < until
        time.sleep(0.05)


@contextmanager
def gated(world):
    """Nobody is answered before the gate opens, which it does at the end at the latest."""
    gate = Gate()
    world.openai.always(stream(gate=gate))
    try:
        yield gate
    finally:
        gate.open()


def held(gateway):
    """What all workers held at most in their last second."""
    return sum(value for name, _, value in gateway.metrics() if name.endswith("tollgate_held_bytes"))


def fill(pool, gateway, world, name, count, size=MIB - 1000):
    """So many large requests at once, until each is refused or under way."""
    running = [pool.submit(post, gateway, name, size) for _ in range(count)]
    waited(lambda: len(world.openai.requests) + sum(future.done() for future in running) == count)
    return running


@pytest.mark.parametrize("client", DIALECTS)
def test_too_many_bodies_are_refused_and_none_is_lost(world, gateway, client):
    before = gateway.metric("tollgate_held_refusals")
    with ThreadPoolExecutor(40) as pool, gated(world) as gate:
        loud = fill(pool, gateway, world, "loud", 16)
        under_way = len(world.openai.requests)
        # Each worker has room for two of one tenant's.
        assert 2 <= under_way <= 4
        refused = [future.result() for future in loud if future.done()]
        assert {answer.status_code for answer in refused} == {503}
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        line = gateway.audited(refused[0])
        assert (line["status"], line["tenant"], line["error"]["type"]) == (503, "loud", "overloaded")
        assert gateway.metric("tollgate_held_refusals", reason="share") - before == len(refused)
        # The other tenant has room all the same, for small ones and for one large one; then the worker is full.
        quiet = [pool.submit(post, gateway, "quiet", MIB - 1000, client) for _ in range(12)]
        waited(lambda: len(world.openai.requests) - under_way + sum(f.done() for f in quiet) == 12)
        refused = [future.result() for future in quiet if future.done()]
        assert {answer.status_code for answer in refused} == {503}
        error_of(client, refused[0].json())
        waited(lambda: held(gateway) >= under_way * 1_000_000)
        gate.open()
        done = [future.result().status_code for future in [*loud, *quiet]]
        assert done.count(200) == len(world.openai.requests) and set(done) == {200, 503}
    waited(lambda: held(gateway) == 0)
    assert [post(gateway, "loud", MIB - 1000).status_code for _ in range(8)] == [200] * 8
    gateway.assert_sound()


def test_the_bytes_come_back_at_every_end(world, gateway):
    """More than the bound, one after the other, in all ways that a request can end."""
    size = MIB - 1000
    for _ in range(6):
        world.openai.script(fail(400))
        assert post(gateway, "loud", size).status_code == 400
        world.openai.script(fail(503))
        assert post(gateway, "loud", size).status_code == 503
        assert post(gateway, "loud", size, stream=True).status_code == 200
        assert post(gateway, "loud", MIB + 1000).status_code == 413
        gate = Gate()
        world.openai.script(stream(gate=gate))
        with pytest.raises(httpx.ReadTimeout):
            post(gateway, "loud", size, timeout=0.7)
        gate.open()
    waited(lambda: held(gateway) == 0)


def test_the_queue_is_bounded_by_bytes(world, gateway):
    with ThreadPoolExecutor(40) as pool, gated(world) as gate:
        first = pool.submit(post, gateway, "slow", 10)
        assert gate.reached.wait(10)
        before = gateway.metric("tollgate_queued")
        large = [pool.submit(post, gateway, "slow", 600_000) for _ in range(16)]
        # One a worker waits: two have more bytes than wait there.
        waited(lambda: sum(future.done() for future in large) >= 14)
        waits = gateway.metric("tollgate_queued") - before
        assert waits in (1, 2)
        assert {future.result().status_code for future in large if future.done()} <= {429, 503}
        gate.open()
        assert first.result().status_code == 200
        statuses = [future.result().status_code for future in large]
    assert statuses.count(200) == waits


def test_who_leaves_the_queue_gives_its_bytes_back(world, gateway):
    with ThreadPoolExecutor(40) as pool, gated(world) as gate:
        first = pool.submit(post, gateway, "slow", 10)
        assert gate.reached.wait(10)

        def impatient():
            try:
                return post(gateway, "slow", 600_000, timeout=1.5).status_code
            except httpx.ReadTimeout:
                return None

        for _ in range(3):
            outcome = [future.result() for future in [pool.submit(impatient) for _ in range(8)]]
            assert 1 <= outcome.count(None) <= 2, outcome
        gate.open()
        assert first.result().status_code == 200
    waited(lambda: held(gateway) == 0)
