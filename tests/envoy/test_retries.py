"""Same-target retries: how often, how long apart, and whose wish about the wait counts."""

from __future__ import annotations

import time

import pytest

from support.answers import DIALECTS
from support.sim import fail, reset, stream_error
from support.world import CLAUDE, GPT


@pytest.fixture(scope="module")
def gateway(make_gateway):
    quick = {"base": "200ms", "max": "400ms"}
    return make_gateway(
        models={
            "patient": {"targets": [f"openai/{GPT}", f"claude/{CLAUDE}"], "retries": 2, "backoff": quick},
            "alone": {"targets": [f"openai/{GPT}"], "retries": 3, "backoff": quick},
        },
        defaults={"max_retry_after": "3s"},
    )


@pytest.mark.parametrize("client", DIALECTS)
def test_the_same_target_is_tried_again(world, gateway, client):
    world.openai.script(fail(503), fail(500))
    answer = gateway.ask(client, "patient")
    assert answer.status_code == 200
    assert (len(world.openai.requests), len(world.claude.requests)) == (3, 0)
    assert (answer.headers["x-tollgate-attempts"], answer.headers["x-tollgate-provider"]) == ("3", "openai")


def test_then_the_next_one(world, gateway):
    world.openai.always(fail(503))
    answer = gateway.chat("patient")
    assert answer.status_code == 200
    assert (len(world.openai.requests), len(world.claude.requests)) == (3, 1)
    assert [one["provider"] for one in gateway.audited(answer)["attempts"]] == ["openai"] * 3 + ["claude"]


@pytest.mark.parametrize(
    "failure", [reset(), stream_error(0), fail(429), fail(529)], ids=["reset", "error-event", "429", "529"]
)
def test_what_is_retried(world, gateway, failure):
    world.openai.script(failure)
    answer = gateway.chat("alone", stream=True)
    assert answer.status_code == 200
    assert len(world.openai.requests) == 2


def test_retries_end(world, gateway):
    world.openai.always(fail(503))
    answer = gateway.chat("alone")
    assert answer.status_code == 503
    assert len(world.openai.requests) == 4
    assert len(answer.json()["error"]["attempts"]) == 4


def test_back_off_is_bounded(world, gateway):
    """Jitter makes each wait anything up to its step: 0.2 + 0.4 + 0.4 s here."""
    world.openai.script(fail(503), fail(503), fail(503))
    began = time.monotonic()
    assert gateway.chat("alone").status_code == 200
    assert time.monotonic() - began < 5


def test_retry_after_is_honoured(world, gateway):
    world.openai.script(fail(429, "1"))
    assert gateway.chat("alone").status_code == 200
    first, second = world.openai.requests
    assert 0.95 <= second.at - first.at < 5


def test_retry_after_in_milliseconds_and_as_a_date(world, gateway):
    from email.utils import formatdate

    world.openai.script(fail(429, formatdate(time.time() + 2, usegmt=True)))
    assert gateway.chat("alone").status_code == 200
    first, second = world.openai.requests
    assert 0.5 <= second.at - first.at < 4


def test_a_retry_after_beyond_the_limit_moves_on(world, gateway):
    world.openai.script(fail(429, "3600"))
    began = time.monotonic()
    answer = gateway.chat("patient")
    assert answer.status_code == 200
    assert time.monotonic() - began < 30
    assert answer.headers["x-tollgate-provider"] == "claude"


def test_no_waiting_between_targets(world, gateway):
    """Moving on is not backing off."""
    took = []
    for _ in range(5):
        world.openai.script(fail(503))
        began = time.monotonic()
        answer = gateway.chat("gpt-then-claude")
        took.append(time.monotonic() - began)
        assert answer.headers["x-tollgate-provider"] == "claude"
    assert sorted(took)[2] < 0.2, took


@pytest.mark.parametrize("status", [400, 401, 404])
def test_refusals_are_not_retried(world, gateway, status):
    world.openai.script(fail(status))
    assert gateway.chat("patient").status_code == status
    assert len(world.openai.requests) == 1
