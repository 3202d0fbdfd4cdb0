"""Targets of a chain whose limits to the first token differ: each has its own."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.answers import ANTHROPIC, OPENAI, error_of, read_stream
from support.sim import fail, hang, refuse_connections, reset, stream
from support.world import CLAUDE, GPT

QUICK = "400ms"
"""The limit of the first provider; the others keep the default, minutes."""


@pytest.fixture
def timed(make_gateway, world):
    """A gateway whose provider `quick` must begin to answer soon."""
    known = world.config()["providers"]
    return make_gateway(
        providers={name: known[of] | {"timeout": QUICK} for name, of in (("quick", "openai"), ("gone", "dead"))},
        models={
            "quick-first": [f"quick/{GPT}", f"claude/{CLAUDE}"],
            "quick-last": [f"second/{GPT}", f"quick/{GPT}"],
            "quick-alone": f"quick/{GPT}",
            "gone-first": ["gone/nothing", f"claude/{CLAUDE}"],
            "again": {
                "targets": [f"quick/{GPT}", f"claude/{CLAUDE}"],
                "retries": 1,
                "backoff": {"base": "50ms", "max": "50ms"},
            },
            "by-target": [{"provider": "openai", "model": GPT, "timeout": "300ms"}, f"claude/{CLAUDE}"],
            "all-alike": {"targets": [f"quick/{GPT}", f"claude/{CLAUDE}"], "timeout": "1s"},
            "streams-sooner": {
                "targets": [
                    f"openai/{GPT}",
                    {"provider": "second", "model": GPT, "stream_timeout": "300ms"},
                    f"claude/{CLAUDE}",
                ],
                "timeout": "1200ms",
                "stream_timeout": "600ms",
            },
        },
    )


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request):
    return request.param


def ask(gateway, model, streamed, messages="hello", client=OPENAI):
    return gateway.ask(client, model, messages, **({"stream": True} if streamed else {}))


def text(answer, streamed):
    assert answer.status_code == 200, answer.text
    if streamed:
        return read_stream(OPENAI, answer.content).text
    return answer.json()["choices"][0]["message"]["content"]


def reasons(gateway, answer):
    return [one.get("reason") for one in gateway.audited(answer)["attempts"]]


@pytest.mark.parametrize(("model", "limit"), [("quick-first", 400), ("by-target", 300), ("all-alike", 1000)])
def test_a_silent_provider_is_left_after_its_own_limit(timed, world, model, limit, streamed):
    world.openai.script(hang())
    began = time.monotonic()
    answer = ask(timed, model, streamed)
    assert text(answer, streamed) == "echo: hello"
    assert limit / 1000 <= time.monotonic() - began < 5
    first, second = reasons(timed, answer)
    assert f"{limit} ms" in first and second is None
    assert answer.headers["x-tollgate-attempts"] == "2"
    world.openai.wait_for(lambda sim: sim.last.aborted)


@pytest.mark.parametrize("silence", [hang(), stream(before_first=30)], ids=["no-headers", "no-content"])
def test_streams_may_have_limits_of_their_own(timed, world, streamed, silence):
    world.openai.script(silence)
    world.second.script(silence)
    began = time.monotonic()
    answer = ask(timed, "streams-sooner", streamed)
    assert text(answer, streamed) == "echo: hello"
    limits = [600, 300] if streamed else [1200, 1200]
    assert sum(limits) / 1000 <= time.monotonic() - began < 8
    for limit, reason in zip(limits, reasons(timed, answer)[:2], strict=True):
        assert f"within {limit} ms" in reason
    assert answer.headers["x-tollgate-provider"] == "claude"


def test_an_answer_that_is_no_stream_has_time(timed, world):
    """Longer than a stream may be silent."""
    world.openai.script(stream(before_headers=0.9))
    answer = ask(timed, "streams-sooner", streamed=False)
    assert (answer.status_code, answer.headers["x-tollgate-provider"]) == (200, "openai")


def test_a_provider_that_sends_headers_and_no_content(timed, world, streamed):
    world.openai.script(stream(before_first=30))
    began = time.monotonic()
    answer = ask(timed, "quick-first", streamed)
    assert text(answer, streamed) == "echo: hello"
    assert 0.3 < time.monotonic() - began < 5
    assert "400 ms" in reasons(timed, answer)[0]
    world.openai.wait_for(lambda sim: sim.last.aborted)


@pytest.mark.parametrize("silence", [hang(), stream(before_first=30)], ids=["no-headers", "no-content"])
@pytest.mark.parametrize("client", [OPENAI, ANTHROPIC])
def test_the_last_of_a_chain(timed, world, client, streamed, silence):
    world.second.script(fail(503))
    world.openai.script(silence)
    began = time.monotonic()
    answer = ask(timed, "quick-last", streamed, client=client)
    assert time.monotonic() - began < 5
    assert answer.status_code == 504
    error_of(client, answer.json())
    attempts = answer.json()["error"]["attempts"]
    assert [(one["provider"], one["status"]) for one in attempts] == [("second", 503), ("quick", None)]
    assert "400 ms" in attempts[1]["reason"]
    line = timed.audited(answer)
    assert (line["status"], line["error"]["type"]) == (504, "timeout")


def test_other_failures_are_told_as_what_they_are(timed, world, streamed):
    for behaviour, why in (
        (refuse_connections(), "could not be reached"),
        (reset(), "could not be reached"),
        (fail(503), None),
        (fail(429, "1"), None),
    ):
        world.openai.script(behaviour)
        answer = ask(timed, "quick-first", streamed)
        assert text(answer, streamed) == "echo: hello"
        assert why is None or why in reasons(timed, answer)[0]
    world.openai.script(fail(400))
    assert ask(timed, "quick-first", streamed).status_code == 400


def test_no_connection(timed, world, streamed):
    answer = ask(timed, "gone-first", streamed)
    assert text(answer, streamed) == "echo: hello"
    assert "could not be reached" in reasons(timed, answer)[0]


def test_the_limit_ends_with_the_first_content(timed, world):
    world.openai.script(stream(between=0.1))
    answer = ask(timed, "quick-first", True, "long 12")
    assert text(answer, True) == " ".join(f"w{n}" for n in range(1, 13))
    assert not world.claude.requests


def test_each_try_has_it(timed, world, streamed):
    world.openai.script(hang(), hang())
    answer = ask(timed, "again", streamed)
    assert text(answer, streamed) == "echo: hello"
    assert [reason and "400 ms" in reason for reason in reasons(timed, answer)] == [True, True, None]


def test_a_try_that_waited_has_all_of_it(timed, world, streamed):
    world.openai.script(hang(), stream(before_headers=0.3))
    assert text(ask(timed, "again", streamed), streamed) == "echo: hello"
    assert (len(world.openai.requests), len(world.claude.requests)) == (2, 0)


def test_the_provider_sees_the_same_request(timed, world, streamed):
    """On the way by its time limit nothing is added and nothing lost."""
    seen = []
    for model in ("quick-alone", "quick-first"):
        ask(timed, model, streamed, "x" * 2_000_000)
        request = world.openai.last
        seen.append((request.method, request.path, sorted(request.headers), request.body))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("silence", [hang(), stream(before_first=30)], ids=["no-headers", "no-content"])
def test_many_at_once(timed, world, silence, streamed):
    world.openai.always(silence)
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda n: ask(timed, "quick-first", streamed, f"n {n}"), range(80)))
    assert [text(answer, streamed) for answer in answers] == [f"echo: n {n}" for n in range(80)]
    assert all("400 ms" in reasons(timed, answer)[0] for answer in answers)


def test_health_sees_the_silence(timed, world):
    world.openai.script(hang())
    ask(timed, "by-target", False)
    until = time.monotonic() + 5
    while not (last := timed.http.get("/health").json()["targets"][f"openai/{GPT}"]["last_error"]):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert last["class"] == "timeout" and "300 ms" in last["message"]
