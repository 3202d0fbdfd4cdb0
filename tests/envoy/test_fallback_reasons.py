"""Refusals that another model may not share: too long, or against a content policy. Each has a chain of its own."""

from __future__ import annotations

import json

import pytest

from support.answers import DIALECTS, OPENAI, error_of, read, read_stream
from support.gateway import body_for, path_for
from support.sim import fail, raw, stream_error
from support.world import CLAUDE, GPT

LONG = {
    "openai": {"error": {"message": "This model's maximum context length is 128000 tokens.",
                         "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}},
    "anthropic": {"type": "error", "error": {"type": "invalid_request_error",
                                             "message": "prompt is too long: 210000 tokens > 200000 maximum"}},
}  # fmt: skip
FORBIDDEN = {
    "azure": {"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content "
                                   "management policy.", "code": "content_filter", "status": 400}},
    "openai": {"error": {"message": "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
                         "type": "invalid_request_error", "code": "invalid_prompt"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def gate(make_gateway):
    fallbacks = {"context_window": [f"claude/{CLAUDE}"], "content_policy": ["second/gpt-4.1"]}
    models = {
        "m": {"targets": [f"openai/{GPT}"], "fallbacks": fallbacks},
        "claude-first": {"targets": [f"claude/{CLAUDE}"], "fallbacks": {"context_window": ["second/gpt-4.1"]}},
        "bare": f"openai/{GPT}",
        "sized": [{"provider": "openai", "model": GPT, "context_window": 1000}, f"claude/{CLAUDE}"],
    }
    prices = {name: {"input": 2.0, "output": 8.0} for name in (GPT, "gpt-4.1")}
    return make_gateway(models=models, prices=prices)


@pytest.fixture(params=DIALECTS)
def client(request):
    return request.param


def refusal(body, status=400):
    return raw(json.dumps(body).encode(), status=status)


def ask(gate, client, model, streamed=False, messages="hello"):
    body = body_for(client, model, messages) | ({"stream": True} if streamed else {})
    return gate.http.post(path_for(client), json=body)


def text(client, answer, streamed):
    return (read_stream(client, answer.content) if streamed else read(client, answer.json())).text


def test_the_answer_that_is_asked_for_has_to_fit_as_well(gate, world, client):
    for limit, provider in ((500, "openai"), (999, "claude")):
        answer = gate.ask(client, "sized", max_tokens=limit)
        assert (answer.status_code, answer.headers["x-tollgate-provider"]) == (200, provider), answer.text
    skipped = gate.audited(answer)["attempts"][0]["reason"]
    assert skipped.startswith("skipped: its context of 1000 tokens") and "999 of the answer" in skipped


@pytest.mark.parametrize("streamed", [False, True])
def test_too_long(gate, world, client, streamed):
    world.openai.script(refusal(LONG["openai"]))
    answer = ask(gate, client, "m", streamed)
    assert answer.status_code == 200, answer.text
    assert text(client, answer, streamed) == "echo: hello"
    line = gate.audited(answer)
    assert (line["provider"], line["routed_by"]) == ("claude", {"fallback": "context_window"})
    assert [one["status"] for one in line["attempts"]] == [400, 200]
    assert not world.second.requests


def test_too_long_in_the_words_of_anthropic(gate, world, client):
    world.claude.script(refusal(LONG["anthropic"]))
    assert gate.audited(ask(gate, client, "claude-first"))["provider"] == "second"


@pytest.mark.parametrize("words", FORBIDDEN)
def test_forbidden(gate, world, client, words):
    world.openai.script(refusal(FORBIDDEN[words]))
    answer = ask(gate, client, "m")
    assert answer.status_code == 200, answer.text
    line = gate.audited(answer)
    assert (line["provider"], line["routed_by"]) == ("second", {"fallback": "content_policy"})
    assert gate.metric("tollgate_routed", model="m", **{"class": "content_policy"}) >= 1


def test_what_a_filtered_answer_used_is_paid_for(gate, world):
    filtered = {
        "id": "c", "object": "chat.completion", "created": 1, "model": GPT,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 0, "total_tokens": 50},
    }  # fmt: skip
    used = {"model": "m", "provider": "openai", "class": "input"}
    before = gate.metric("tollgate_tokens", **used)
    world.openai.script(raw(json.dumps(filtered).encode()))
    line = gate.audited(ask(gate, OPENAI, "m"))
    assert (line["status"], line["provider"]) == (200, "second")
    note = line["filtered"]
    assert (note["provider"], note["model"], note["usage"]) == ("openai", GPT, {"input": 50, "output": 0})
    assert line["cost_usd"] > note["cost_usd"] > 0
    assert gate.metric("tollgate_tokens", **used) - before == 50


def test_one_reason_after_the_other(gate, world, client):
    world.openai.script(refusal(LONG["openai"]))
    world.claude.script(refusal({"type": "error", "error": {"type": "invalid_request_error",
                                                            "message": "Output blocked by content filtering policy"}}))
    assert gate.audited(ask(gate, client, "m"))["provider"] == "second"


def test_a_chain_for_a_reason_ends_like_any_other(gate, world, client):
    world.openai.script(refusal(LONG["openai"]))
    world.claude.script(fail(529))
    answer = ask(gate, client, "m")
    assert answer.status_code == 529
    assert [one["provider"] for one in error_of(client, answer.json())["attempts"]] == ["openai", "claude"]


def test_without_such_a_chain_the_refusal_is_the_clients(gate, world, client):
    world.openai.script(refusal(LONG["openai"]))
    answer = ask(gate, client, "bare")
    assert answer.status_code == 400
    assert "maximum context length" in error_of(client, answer.json())["message"]
    world.openai.script(fail(400))
    assert ask(gate, client, "m").status_code == 400, "other refusals have no chain"
    world.openai.script(stream_error(0))
    assert ask(gate, client, "m", True).status_code >= 500, "nor have failures"


def test_what_is_too_long_by_the_estimate_goes_to_a_larger_context(gate, world, client):
    assert gate.audited(ask(gate, client, "sized"))["provider"] == "openai"
    line = gate.audited(ask(gate, client, "sized", messages="word " * 3000))
    assert line["provider"] == "claude"
    assert line["attempts"][0]["reason"].startswith("skipped: its context of 1000 tokens is too small for about ")
    assert len(world.openai.requests) == 1
