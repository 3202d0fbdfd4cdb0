"""Tens of thousands of users with a counter each: every one is exact, and what they cost in memory is bounded.

`TOLLGATE_USERS` says how many; `make crowd` runs it with two millions, which is beyond the bound.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re

import httpx
import pytest

USERS = int(os.environ.get("TOLLGATE_USERS", "40000"))
CONNECTIONS = 32
# Pages of counters hold 64 MiB, however many users there are. They grow and are written anew, and Envoy's allocator keeps
# as much again of the sizes that they have been.
BOUND = 2 * 64 * 1024 * 1024
SLACK = 24 * 1024 * 1024
# Seconds; a slow machine serves five hundred in one.
pytestmark = pytest.mark.timeout(180 + USERS // 500)


@pytest.fixture(scope="module")
def gateway(make_gateway, standing_world):
    """Nobody listens where requests go, which is quick, and counts all the same."""
    return make_gateway(
        identity={"headers": {"user": "x-user"}},
        limits=[{"name": "each", "per": "user", "requests": "10/d"}],
        defaults={"circuit_breaker": {"failure_threshold": 0}},
        audit={"to": {"file": "/dev/null"}},
    )


async def ask_as(url, users):
    """One request of each user, over a few connections; how often each status came."""
    host, port = re.fullmatch(r"http://(.*):(\d+)", url).groups()
    body = json.dumps({"model": "dead", "messages": [{"role": "user", "content": "hi"}]}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nx-user: "
    ).encode()
    users, statuses = iter(users), {}

    async def connection():
        reader, writer = await asyncio.open_connection(host, int(port))
        for user in users:
            writer.write(head + user.encode() + b"\r\n\r\n" + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", answer)[1]))
            status = int(answer[9:12])
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    await asyncio.gather(*[connection() for _ in range(CONNECTIONS)])
    return statuses


def resident(gateway):
    """Bytes of memory that the Envoy takes."""
    with open(f"/proc/{gateway.envoy.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) * 1024


def left(http, user):
    answer = http.get("/v1/budget", headers={"x-user": user}).json()
    (entry,) = answer["limits"]
    return entry["remaining"]


def test_each_counts_for_itself_in_bounded_memory(world, gateway):
    # What grows with the first requests, whoever sends them, is there already.
    asyncio.run(ask_as(gateway.url, (f"first-{n}" for n in range(10_000))))
    before, stats = resident(gateway), len(gateway.envoy.ask("/stats").splitlines())
    statuses = asyncio.run(ask_as(gateway.url, (f"user-{n}" for n in range(USERS))))
    assert statuses == {503: USERS}, "all are counted, none is refused"
    grown = resident(gateway) - before
    print(f"{USERS} users: {grown / 2**20:.1f} MiB, {grown / USERS:.0f} bytes each")
    assert grown < min(BOUND, USERS * 200) + SLACK, grown
    assert len(gateway.envoy.ask("/stats").splitlines()) <= stats + 10, "no metric for each of them"
    sample = random.Random(5).sample(range(USERS), min(300, USERS))
    with httpx.Client(base_url=gateway.url) as http:
        found = {left(http, f"user-{n}") for n in sample}
        assert left(http, "never seen") == 10
    evicted = gateway.metric("tollgate_ledger_evictions")
    if USERS <= 500_000:
        assert evicted == 0 and found == {9}
    else:
        # Those that went start afresh; nobody else is touched.
        assert evicted > 0 and found == {9, 10}


def test_the_tenth_of_each_is_the_last(world, gateway):
    """Exact for each of a hundred, whichever worker their requests came to."""
    users = [f"busy-{n % 100}" for n in range(1500)]
    statuses = asyncio.run(ask_as(gateway.url, users))
    assert statuses == {503: 1000, 429: 500}
