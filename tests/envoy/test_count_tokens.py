"""Counting tokens: by the provider where it can, else an estimate that says so."""

from __future__ import annotations

import pytest

from support.sim import fail

PATH = "/v1/messages/count_tokens"
TOOL = {"name": "get_weather", "description": "Weather", "input_schema": {"type": "object", "properties": {}}}


def ask(model, text="one two three", **more):
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def count(gateway, body, path=PATH):
    return gateway.http.post(path, json=body, headers={"anthropic-version": "2023-06-01"})


@pytest.mark.parametrize("path", [PATH, "/messages/count_tokens", f"{PATH}?beta=true"])
def test_the_provider_counts(world, gateway, path):
    answer = count(gateway, ask("claude", tools=[TOOL], thinking={"type": "enabled", "budget_tokens": 2048}), path)
    assert (answer.status_code, answer.json()) == (200, {"input_tokens": 6})
    assert answer.headers["x-tollgate-usage"] == "complete"
    assert world.claude.last.path == PATH
    assert world.claude.last.json["model"] == "claude-sonnet-4-5"
    line = gateway.audited(answer)
    assert (line["counted"], line["usage_status"], line["provider"]) == (6, "complete", "claude")
    assert "cost_usd" not in line and "usage" not in line


def test_a_targets_own_limits_are_not_counted(world, make_gateway):
    target = {"provider": "claude", "model": "claude-sonnet-4-5", "max_tokens": 17, "params": {"temperature": 0.2}}
    tuned = make_gateway(models={"tuned-claude": {"targets": [target]}})
    assert count(tuned, ask("tuned-claude")).status_code == 200
    assert set(world.claude.last.json) == {"model", "messages"}


@pytest.fixture(scope="module")
def mute_first(make_gateway):
    """The first target cannot count; the second can, but its tokens are others."""
    return make_gateway(models={"mute": "second/gpt-4.1", "mute-then-claude": ["second/gpt-4.1", "claude/claude-sonnet-4-5"]})


@pytest.mark.parametrize("model", ["mute", "mute-then-claude", "dead"])
def test_without_a_counting_provider_it_is_an_estimate(mute_first, model):
    gateway = mute_first
    short = count(gateway, ask(model))
    long = count(gateway, ask(model, "one two three " * 100))
    assert short.status_code == long.status_code == 200
    assert 5 <= short.json()["input_tokens"] <= 20
    assert 250 <= long.json()["input_tokens"] <= 350
    assert short.headers["x-tollgate-usage"] == "estimated"
    line = gateway.audited(long)
    assert (line["counted"], line["usage_status"]) == (long.json()["input_tokens"], "estimated")


@pytest.mark.parametrize("status", [404, 429, 500, 529])
def test_a_provider_that_fails_to_count(world, gateway, status):
    world.claude.always(fail(status))
    answer = count(gateway, ask("claude"))
    assert answer.status_code == 200
    assert answer.headers["x-tollgate-usage"] == "estimated"
    assert "estimated" in answer.headers["x-tollgate-warnings"]
    assert "error" not in gateway.audited(answer)


def test_a_provider_that_is_gone(make_gateway):
    gone = {"preset": "anthropic", "base_url": "http://127.0.0.1:9", "auth": "none", "connect_timeout": "1s"}
    gateway = make_gateway(providers={"gone": gone}, models={"gone": "gone/claude-sonnet-4-5"})
    answer = count(gateway, ask("gone"))
    assert (answer.status_code, answer.headers["x-tollgate-usage"]) == (200, "estimated")


def test_what_is_wrong_is_told(gateway):
    refused = count(gateway, ask("claude", temperature=0.5))
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == "temperature: Extra inputs are not permitted"
    assert count(gateway, {"model": "gpt", "messages": 7}).status_code == 400
    assert count(gateway, ask("nobody")).status_code == 404
    assert gateway.http.get(PATH).status_code == 405
