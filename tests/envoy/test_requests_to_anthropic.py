"""What an OpenAI client says, as Anthropic must hear it. The simulator refuses what the real API refuses."""

from __future__ import annotations

import pytest

from support.sim.anthropic import signature
from support.world import CLAUDE

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0Y="
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Looks",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    },
}
BARE = {"type": "function", "function": {"name": "bare"}}


def call(ident, name="look", arguments='{"q": "x"}'):
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}}


def user(content):
    return {"role": "user", "content": content}


def sent(gateway, world, messages="hi", model="claude", **more):
    answer = gateway.chat(model, messages, **more)
    assert answer.status_code == 200, answer.text
    return world.claude.last.json, answer.headers.get("x-tollgate-warnings", "")


def test_the_least(gateway, world):
    body, warnings = sent(gateway, world)
    assert (body["model"], body["max_tokens"]) == (CLAUDE, 4096)
    assert [m["role"] for m in body["messages"]] == ["user"]
    assert warnings == ""
    last = world.claude.last
    assert last.path == "/v1/messages"
    assert last.header("anthropic-version")
    assert last.header("content-length") == str(len(last.body))
    assert last.header("authorization") is None


def test_leading_system_and_developer_messages(gateway, world):
    body, _ = sent(
        gateway, world, [{"role": "system", "content": "S1"}, {"role": "developer", "content": "S2"}, user("u")]
    )
    assert [block["text"] for block in body["system"]] == ["S1", "S2"]


def test_system_in_the_middle_is_hoisted_with_a_warning(gateway, world):
    body, warnings = sent(gateway, world, [user("a"), {"role": "system", "content": "S2"}, user("b")])
    system = body["system"]
    assert (system if isinstance(system, str) else system[0]["text"]) == "S2"
    assert warnings


def test_consecutive_user_messages_merge(gateway, world):
    body, _ = sent(gateway, world, [user("a"), user("b")])
    assert len(body["messages"]) == 1
    assert [block["text"] for block in body["messages"][0]["content"]] == ["a", "b"]


def test_parallel_tool_results_merge_in_order_and_before_text(gateway, world):
    messages = [
        user("go"),
        {"role": "assistant", "content": None, "tool_calls": [call("call_1"), call("call_2")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "one"},
        {"role": "tool", "tool_call_id": "call_2", "content": "two"},
        user("so?"),
    ]
    body, _ = sent(gateway, world, messages, tools=[TOOL])
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
    last = body["messages"][2]["content"]
    assert [block["type"] for block in last] == ["tool_result", "tool_result", "text"]
    assert [block.get("tool_use_id") for block in last[:2]] == ["call_1", "call_2"]
    assert body["messages"][1]["content"][0]["input"] == {"q": "x"}


@pytest.mark.parametrize("content", ["", None])
def test_an_empty_assistant_message_goes(gateway, world, content):
    body, _ = sent(gateway, world, [user("a"), {"role": "assistant", "content": content}, user("b")])
    assert all(m["role"] == "user" for m in body["messages"])


def test_temperature_is_clamped_with_a_warning(gateway, world):
    body, warnings = sent(gateway, world, temperature=1.5)
    assert body["temperature"] == 1
    assert "temperature" in warnings


def test_temperature_wins_over_top_p(gateway, world):
    body, _ = sent(gateway, world, temperature=0.5, top_p=0.9)
    assert body["temperature"] == 0.5 and "top_p" not in body


def test_reasoning_effort_becomes_a_budget_with_room(gateway, world):
    body, _ = sent(gateway, world, reasoning_effort="low", max_completion_tokens=64, temperature=0.3, top_p=0.5)
    budget = body["thinking"]["budget_tokens"]
    assert budget >= 1024 and body["max_tokens"] == 64 + budget
    assert "temperature" not in body and "top_p" not in body


def test_reasoning_efforts_grow(gateway, world):
    budgets = [
        sent(gateway, world, reasoning_effort=effort)[0]["thinking"]["budget_tokens"]
        for effort in ("low", "medium", "high")
    ]
    assert budgets == sorted(set(budgets))


@pytest.mark.parametrize(
    ("choice", "parallel", "wanted"),
    [
        ("auto", None, {"type": "auto"}),
        ("required", None, {"type": "any"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"type": "function", "function": {"name": "look"}}, None, {"type": "tool", "name": "look"}),
    ],
)
def test_tool_choice(gateway, world, choice, parallel, wanted):
    more = {"tool_choice": choice} if choice is not None else {}
    more |= {"parallel_tool_calls": parallel} if parallel is not None else {}
    body, _ = sent(gateway, world, tools=[TOOL], **more)
    assert body["tool_choice"] == wanted


def test_tool_choice_none(gateway, world):
    body, _ = sent(gateway, world, "look please", tools=[TOOL], tool_choice="none")
    assert body.get("tool_choice") == {"type": "none"} or "tools" not in body
    assert not world.claude.last.answer.calls


def test_tools(gateway, world):
    body, _ = sent(gateway, world, tools=[TOOL, BARE])
    assert body["tools"][0]["input_schema"]["properties"] == {"q": {"type": "string"}}
    assert body["tools"][0]["description"] == "Looks"
    assert body["tools"][1]["input_schema"] == {"type": "object", "properties": {}}


def test_a_schema_of_an_older_draft(gateway, world):
    pair = {"type": "array", "items": [{"type": "number"}, {"type": "number"}], "additionalItems": False}
    schema = {"type": "object", "properties": {"at": pair}}
    body, _ = sent(gateway, world, tools=[{"type": "function", "function": {"name": "go", "parameters": schema}}])
    said = body["tools"][0]["input_schema"]["properties"]["at"]
    assert said == {"type": "array", "prefixItems": pair["items"], "items": False}


def test_stops(gateway, world):
    assert sent(gateway, world, stop="END")[0]["stop_sequences"] == ["END"]
    body, _ = sent(gateway, world, stop=["A", " ", "\n"])
    assert body["stop_sequences"] == ["A"]
    assert not sent(gateway, world, stop=["\n"])[0].get("stop_sequences")


def test_max_completion_tokens_wins(gateway, world):
    assert sent(gateway, world, max_tokens=10, max_completion_tokens=20)[0]["max_tokens"] == 20


def test_images(gateway, world):
    parts = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
    ]
    body, _ = sent(gateway, world, [user(parts)])
    content = body["messages"][0]["content"]
    assert content[1]["source"] == {"type": "base64", "media_type": "image/png", "data": PNG}
    assert content[2]["source"] == {"type": "url", "url": "https://example.com/a.png"}


def test_documents(gateway, world):
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}
    body, _ = sent(gateway, world, [user([part, {"type": "text", "text": "read"}])])
    block = body["messages"][0]["content"][0]
    assert (block["type"], block["source"]) == (
        "document",
        {"type": "base64", "media_type": "application/pdf", "data": PDF},
    )


def test_signed_thinking_is_replayed_first(gateway, world):
    thought = {"type": "thinking", "thinking": "T", "signature": signature("T")}
    messages = [
        user("go"),
        {"role": "assistant", "content": "", "thinking_blocks": [thought], "tool_calls": [call("call_1")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "r"},
    ]
    body, _ = sent(gateway, world, messages, tools=[TOOL], reasoning_effort="low")
    blocks = body["messages"][1]["content"]
    assert blocks[0] == thought
    assert blocks[1]["type"] == "tool_use"


def test_redacted_thinking_is_replayed(gateway, world):
    redacted = {"type": "redacted_thinking", "data": "opaque"}
    messages = [
        user("go"),
        {"role": "assistant", "content": None, "thinking_blocks": [redacted], "tool_calls": [call("call_1")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "r"},
    ]
    body, _ = sent(gateway, world, messages, tools=[TOOL], reasoning_effort="low")
    assert body["messages"][1]["content"][0] == redacted


def test_unsigned_reasoning_goes(gateway, world):
    messages = [user("a"), {"role": "assistant", "content": "b", "reasoning_content": "hm"}, user("c")]
    body, _ = sent(gateway, world, messages)
    assert "hm" not in str(body)
    messages = [user("a"), {"role": "assistant", "content": "", "reasoning_content": "hm"}, user("c")]
    body, _ = sent(gateway, world, messages)
    assert all(m["role"] == "user" for m in body["messages"])


def test_cache_control_keeps_its_place(gateway, world):
    mark = {"type": "ephemeral", "ttl": "1h"}
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "S", "cache_control": mark}]},
        user([{"type": "text", "text": "u", "cache_control": mark}]),
    ]
    body, _ = sent(gateway, world, messages, tools=[TOOL | {"cache_control": mark}])
    assert body["system"][0]["cache_control"] == mark
    assert body["messages"][0]["content"][0]["cache_control"] == mark
    assert body["tools"][0]["cache_control"] == mark


SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 1}},
    "required": ["age"],
    "additionalProperties": False,
}


def test_structured_output(gateway, world):
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}}
    body, _ = sent(gateway, world, response_format=form)
    schema = body["output_config"]["format"]["schema"]
    assert "minimum" not in schema["properties"]["age"]
    assert "1" in schema["properties"]["age"]["description"]


def test_structured_output_of_an_older_model(gateway, world):
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    answer = gateway.chat("old-claude", "hi", response_format=form)
    assert answer.status_code == 200, answer.text
    choice = answer.json()["choices"][0]
    assert (choice["finish_reason"], choice["message"].get("tool_calls")) == ("stop", None)
    assert choice["message"]["content"].replace(" ", "") == '{"age":1}'


def test_user_becomes_metadata(gateway, world):
    assert sent(gateway, world, user="u1")[0]["metadata"] == {"user_id": "u1"}


@pytest.mark.parametrize(
    "more", [{"n": 2}, {"logprobs": True}, {"seed": 3}, {"frequency_penalty": 0.5}, {"logit_bias": {"1": 5}}]
)
def test_what_anthropic_cannot_say_is_dropped_with_a_warning(gateway, world, more):
    name = next(iter(more))
    body, warnings = sent(gateway, world, **more)
    assert name not in body
    assert name in warnings


@pytest.mark.parametrize("more", [{"n": 2}, {"logprobs": True}, {"seed": 3}])
def test_or_refused_where_dropping_is_off(gateway, world, more):
    answer = gateway.chat("strict", **more)
    assert answer.status_code == 400
    assert next(iter(more)) in answer.json()["error"]["message"]
    assert not world.claude.requests


def test_prompt_with_blank_parts(gateway, world):
    parts = [{"type": "text", "text": " "}, {"type": "text", "text": "x"}]
    body, _ = sent(gateway, world, [user(parts)])
    assert [block["text"] for block in body["messages"][0]["content"]] == ["x"]


@pytest.mark.parametrize(
    "model", ["opus-4-6", "opus-4-8", "sonnet-5", "haiku-5-5", "sonnet-5-5", "opus-5-5", "fable-5", "mythos-5-1"]
)
def test_newer_models_get_nothing_that_they_refuse(gateway, world, model):
    def said(messages="hi", **more):
        return sent(gateway, world, messages, model=f"anthropic/claude-{model}", **more)

    begun = [user("say it"), {"role": "assistant", "content": "It is"}]
    body, warnings = said(begun)
    assert body["messages"][-1]["role"] == "user" and warnings
    for effort in (None, "none", "low", "high", "xhigh"):
        said(temperature=0.3, top_p=0.5, reasoning_effort=effort)
    said(tools=[TOOL], tool_choice="required")
    said(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}})
    history = [user("go"), {"role": "assistant", "tool_calls": [call("c1")]}]
    history += [{"role": "tool", "tool_call_id": "c1", "content": "r"}]
    said(history, tools=[TOOL], reasoning_effort="high")
    said([*history, {"role": "assistant", "content": "done: "}], tools=[TOOL], reasoning_effort="none")
