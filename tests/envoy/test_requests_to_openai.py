"""What an Anthropic client says, as OpenAI must hear it. The simulator refuses what the real API refuses."""

from __future__ import annotations

import pytest

from support.sim.anthropic import signature
from support.world import GPT

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0Y="
TOOL = {
    "name": "look",
    "description": "Looks",
    "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
}


def user(content):
    return {"role": "user", "content": content}


def sent(gateway, world, messages="hi", model="gpt", **more):
    answer = gateway.messages(model, messages, **more)
    assert answer.status_code == 200, answer.text
    return world.openai.last.json, answer.headers.get("x-tollgate-warnings", "")


def test_the_least(gateway, world):
    body, _ = sent(gateway, world)
    assert body["model"] == GPT
    assert body.get("max_tokens", body.get("max_completion_tokens")) == 512
    last = world.openai.last
    assert (last.path, last.header("content-length")) == ("/v1/chat/completions", str(len(last.body)))
    assert last.header("x-api-key") is None and last.header("anthropic-version") is None


def test_reasoning_models_get_max_completion_tokens(gateway, world):
    body, _ = sent(gateway, world, model="mini")
    assert body["max_completion_tokens"] == 512 and "max_tokens" not in body


def test_system(gateway, world):
    assert sent(gateway, world, system="S")[0]["messages"][0] == {"role": "system", "content": "S"}
    blocks = [{"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "B"}]
    message = sent(gateway, world, system=blocks)[0]["messages"][0]
    assert message["role"] == "system"
    assert "A" in str(message["content"]) and "B" in str(message["content"])


def test_tool_results_come_before_the_text(gateway, world):
    messages = [
        user("go"),
        {"role": "assistant", "content": [
            {"type": "text", "text": "ok"},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "é"}},
            {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}},
        ]},
        user([
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "one"},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": [{"type": "text", "text": "two"}], "is_error": True},
            {"type": "text", "text": "so?"},
        ]),
    ]  # fmt: skip
    body, _ = sent(gateway, world, messages, tools=[TOOL])
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    calls = body["messages"][1]["tool_calls"]
    assert [c["id"] for c in calls] == ["toolu_1", "toolu_2"]
    assert "é" in calls[0]["function"]["arguments"] or "\\u00e9" in calls[0]["function"]["arguments"]
    assert "two" in str(body["messages"][3]["content"])
    assert "so?" in str(body["messages"][4]["content"])


def test_tools_whose_schemas_leave_out_what_openai_wants_to_see(gateway, world):
    tools = [
        {"name": "tags", "input_schema": {"type": "object", "properties": {"of": {"type": "array"}}}},
        {"name": "now", "input_schema": {"type": "object"}},
    ]
    body, warnings = sent(gateway, world, tools=tools)
    tags, now = (tool["function"]["parameters"] for tool in body["tools"])
    assert tags["properties"]["of"] == {"type": "array", "items": {}}
    assert now == {"type": "object", "properties": {}}
    assert warnings == ""


@pytest.mark.parametrize(
    ("choice", "wanted", "parallel"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "any"}, "required", None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "tool", "name": "look"}, {"type": "function", "function": {"name": "look"}}, None),
        ({"type": "none"}, "none", None),
    ],
)
def test_tool_choice(gateway, world, choice, wanted, parallel):
    body, _ = sent(gateway, world, tools=[TOOL], tool_choice=choice)
    assert body["tool_choice"] == wanted
    assert body.get("parallel_tool_calls") is parallel
    assert body["tools"][0]["function"]["parameters"]["properties"] == {"q": {"type": "string"}}


def test_server_tools_go_custom_ones_stay(gateway, world):
    body, warnings = sent(gateway, world, tools=[{"type": "web_search_20250305", "name": "web_search"}, TOOL])
    assert [tool["function"]["name"] for tool in body["tools"]] == ["look"]
    assert "web_search" in warnings


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (8000, "medium"), (24000, "high")])
def test_thinking_becomes_effort(gateway, world, budget, effort):
    body, _ = sent(
        gateway, world, model="mini", max_tokens=32000, thinking={"type": "enabled", "budget_tokens": budget}
    )
    assert body["reasoning_effort"] == effort


def test_thinking_disabled(gateway, world):
    body, _ = sent(gateway, world, thinking={"type": "disabled"})
    assert "thinking" not in body and body.get("reasoning_effort") in (None, "none")


def test_thinking_for_a_model_that_cannot(gateway, world):
    """gpt-4o refuses reasoning_effort; a client that thinks must get its answer all the same."""
    body, warnings = sent(gateway, world, max_tokens=4096, thinking={"type": "enabled", "budget_tokens": 2000})
    assert "reasoning_effort" not in body
    assert "thinking" in warnings or "reasoning" in warnings


def test_replayed_thinking_is_not_sent(gateway, world):
    thought = {"type": "thinking", "thinking": "secret thought", "signature": signature("secret thought")}
    messages = [user("a"), {"role": "assistant", "content": [thought, {"type": "text", "text": "b"}]}, user("c")]
    body, _ = sent(gateway, world, messages)
    assert "secret thought" not in str(body)
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]


def test_images_and_documents(gateway, world):
    blocks = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            "title": "a.pdf",
        },
        {"type": "text", "text": "see"},
    ]
    body, _ = sent(gateway, world, [user(blocks)])
    parts = body["messages"][0]["content"]
    assert parts[0]["image_url"]["url"] == f"data:image/png;base64,{PNG}"
    assert parts[1]["image_url"]["url"] == "https://example.com/a.png"
    assert parts[2]["file"]["file_data"] == f"data:application/pdf;base64,{PDF}"


def test_stops_user_and_sampling(gateway, world):
    body, _ = sent(gateway, world, stop_sequences=["END"], metadata={"user_id": "u1"}, temperature=0.5, top_p=0.9)
    assert body["stop"] in ("END", ["END"])
    assert (body["user"], body["temperature"], body["top_p"]) == ("u1", 0.5, 0.9)


def test_more_stops_than_openai_takes(gateway, world):
    body, warnings = sent(gateway, world, stop_sequences=["1", "2", "3", "4", "5"])
    assert len(body["stop"]) == 4
    assert "stop" in warnings


def test_top_k_is_dropped_with_a_warning(gateway, world):
    body, warnings = sent(gateway, world, top_k=5)
    assert "top_k" not in body and "top_k" in warnings


def test_structured_output(gateway, world):
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    body, _ = sent(gateway, world, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["schema"] == schema


def test_long_tool_ids_of_other_providers(gateway, world):
    """OpenAI takes ids of 40 characters at most; a history from elsewhere may carry longer ones."""
    ident = "toolu_" + "x" * 60
    messages = [
        user("go"),
        {"role": "assistant", "content": [{"type": "tool_use", "id": ident, "name": "look", "input": {}}]},
        user([{"type": "tool_result", "tool_use_id": ident, "content": "one"}]),
    ]
    sent(gateway, world, messages, tools=[TOOL])


def test_reasoning_models_and_sampling(gateway, world):
    """gpt-5 refuses temperature and stop; a client of another dialect cannot know."""
    body, warnings = sent(gateway, world, model="mini", temperature=0.2, stop_sequences=["END"])
    assert "temperature" not in body and "stop" not in body
    assert "temperature" in warnings and "stop" in warnings
