"""Many at once: nothing lost, nothing mixed up, no breaker that starves the fallback."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.answers import DIALECTS, read, read_stream
from support.gateway import body_for, path_for
from support.sim import fail, stream


def many(gateway, count, one):
    with httpx.Client(base_url=gateway.url, timeout=60, limits=httpx.Limits(max_connections=count)) as client:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda n: one(client, n), range(count)))


@pytest.mark.parametrize("streamed", [False, True], ids=["unary", "stream"])
def test_forty_requests_whose_first_provider_fails(gateway, world, streamed):
    world.openai.always(fail(503))
    world.claude.always(stream(before_headers=0.2))

    def one(client, n):
        dialect = DIALECTS[n % 2]
        more = {"stream": True} if streamed else {}
        answer = client.post(path_for(dialect), json=body_for(dialect, "gpt-then-claude", f"number {n}", **more))
        assert answer.status_code == 200, answer.text
        return (read_stream(dialect, answer.content) if streamed else read(dialect, answer.json())).text

    assert many(gateway, 40, one) == [f"echo: number {n}" for n in range(40)]
    assert (len(world.openai.requests), len(world.claude.requests)) == (40, 40)


def test_forty_requests_whose_first_provider_is_not_there(gateway, world):
    def one(client, n):
        answer = client.post("/v1/chat/completions", json=body_for("openai_chat", "dead-then-claude", f"number {n}"))
        return answer.status_code, answer.text

    answers = many(gateway, 40, one)
    assert [status for status, _ in answers] == [200] * 40
    assert all(f"number {n}" in text for n, (_, text) in enumerate(answers))


def test_a_hundred_mixed_ones(gateway, world):
    """Every kind at once; each gets its own answer."""

    def one(client, n):
        dialect = DIALECTS[n % 2]
        model = ["gpt", "claude", "gpt-then-claude", "three", "dead-then-gpt"][n % 5]
        more = {"stream": True} if n % 3 == 0 else {}
        answer = client.post(path_for(dialect), json=body_for(dialect, model, f"long {n + 1}", **more))
        assert answer.status_code == 200, answer.text
        seen = read_stream(dialect, answer.content) if more else read(dialect, answer.json())
        return len(seen.text.split())

    assert many(gateway, 100, one) == [n + 1 for n in range(100)]
