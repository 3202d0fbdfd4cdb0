"""Simulated makers of models in OpenAI's dialect: each refuses what the real one refuses."""

from __future__ import annotations

import re

import httpx
import pytest

from support.sim import OpenAISim

KEY = "sk-maker-simulated"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
ASKED = {"role": "user", "content": "a"}


def call(ident="abcDEF123", **more):
    function = {"name": "look", "arguments": "{}"}
    return {"role": "assistant", "tool_calls": [{"id": ident, "type": "function", "function": function}]} | more


def result(ident="abcDEF123"):
    return {"role": "tool", "tool_call_id": ident, "content": "r"}


def said(text="b", **more):
    return {"role": "assistant", "content": text} | more


@pytest.fixture(scope="module")
def post():
    running = {maker: OpenAISim(KEY, maker=maker) for maker in ("mistral", "deepseek", "moonshot")}

    def send(maker, model, messages, **more):
        body = {"model": model, "messages": messages} | more
        headers = {"authorization": f"Bearer {KEY}"}
        return httpx.post(running[maker].base_url + "/chat/completions", json=body, headers=headers)

    yield send
    for sim in running.values():
        sim.stop()


@pytest.mark.parametrize(
    ("messages", "code", "words"),
    [
        ([ASKED, call(), result(), ASKED], "3230", "Unexpected role 'user' after role 'tool'"),
        ([ASKED, call(), result(), {"role": "system", "content": "s"}], "3230", "'system' after role 'tool'"),
        ([ASKED, said()], "3230", "Expected last role User or Tool (or Assistant with prefix True)"),
        ([ASKED, call("call_1"), result("call_1")], "3280", "Tool call id was call_1 but must be"),
        ([ASKED, said(""), ASKED], "3240", "must have either content or tool_calls"),
    ],
)
def test_mistral_refuses_an_order_of_messages(post, messages, code, words):
    answer = post("mistral", "mistral-large-latest", messages)
    assert answer.status_code == 400
    error = answer.json()
    assert (error["object"], error["code"]) == ("error", code)
    assert words in error["message"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"seed": 1}, ["body", "seed"]),
        ({"stream_options": {}, "stream": True}, ["body", "stream_options"]),
        ({"max_completion_tokens": 5}, ["body", "max_completion_tokens"]),
        ({"messages": [ASKED | {"name": "ann"}]}, ["body", "messages", 0, "user", "name"]),
        (
            {"messages": [ASKED, said(reasoning_content="t"), ASKED]},
            ["body", "messages", 1, "assistant", "reasoning_content"],
        ),
    ],
)
def test_mistral_refuses_fields(post, body, where):
    answer = post("mistral", "mistral-large-latest", **{"messages": [ASKED]} | body)
    assert answer.status_code == 422
    assert answer.json()["message"]["detail"][0]["loc"] == where


def test_mistral_takes_what_is_in_order(post):
    turn = [ASKED, call(), result()]
    assert post("mistral", "mistral-large-latest", turn).status_code == 200
    assert post("mistral", "mistral-large-latest", [*turn, said(), ASKED, said("{", prefix=True)]).status_code == 200
    asked = [{"role": "user", "content": "look there"}]
    answer = post("mistral", "mistral-large-latest", asked, tools=[TOOL], tool_choice="any").json()
    assert re.fullmatch("[a-zA-Z0-9]{9}", answer["choices"][0]["message"]["tool_calls"][0]["id"])


MISSING = {
    "deepseek": "The `reasoning_content` in the thinking mode must be passed back to the API.",
    "moonshot": "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1",
}


@pytest.mark.parametrize(("maker", "model"), [("deepseek", "deepseek-v4-flash"), ("moonshot", "kimi-k2.5")])
def test_thinking_models_want_the_reasoning_of_turns_with_tools(post, maker, model):
    refused = post(maker, model, [ASKED, call(), result()])
    assert refused.status_code == 400 and refused.json()["error"]["message"] == MISSING[maker]
    for reasoning in ("", "because"):
        turn = [ASKED, call(reasoning_content=reasoning), result()]
        assert post(maker, model, turn).status_code == 200
    assert post(maker, model, [ASKED, said(), ASKED]).status_code == 200
    off = {"type": "disabled"}
    assert post(maker, model, [ASKED, call(), result()], thinking=off).status_code == 200
    forced = {"tools": [TOOL], "tool_choice": "required"}
    assert "tool_choice" in post(maker, model, [ASKED], **forced).json()["error"]["message"]
    assert post(maker, model, [ASKED], **forced, thinking=off).status_code == 200
    assert post(maker, model, [ASKED]).json()["choices"][0]["message"]["reasoning_content"]


def test_deepseek_wants_the_answer_after_a_result_with_its_reasoning_too(post):
    turn = [ASKED, call(reasoning_content="t"), result()]
    refused = post("deepseek", "deepseek-v4-pro", [*turn, said(), ASKED])
    assert refused.status_code == 400 and refused.json()["error"]["message"] == MISSING["deepseek"]
    assert post("deepseek", "deepseek-v4-pro", [*turn, said(reasoning_content="u"), ASKED]).status_code == 200


def test_deepseek_before_v4(post):
    history = [ASKED, said(reasoning_content="t"), ASKED]
    assert post("deepseek", "deepseek-reasoner", history).status_code == 400
    assert post("deepseek", "deepseek-reasoner", [ASKED, call(reasoning_content="t"), result()]).status_code == 200
    assert post("deepseek", "deepseek-chat", [ASKED, call(), result()]).status_code == 200
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    answer = post("deepseek", "deepseek-chat", [ASKED], response_format=schema)
    assert answer.json()["error"]["message"] == "This response_format type is unavailable now"
