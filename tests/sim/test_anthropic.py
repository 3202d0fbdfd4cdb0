"""The simulated Anthropic: accepted by the official SDK, and as strict as the real one."""

from __future__ import annotations

import anthropic
import httpx
import pytest
from pydantic import BaseModel

from support.sim import AnthropicSim, fail, stream, stream_error

MODEL = "claude-sonnet-4-5"
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture(scope="module")
def sim():
    with AnthropicSim() as running:
        yield running


@pytest.fixture
def client(sim):
    sim.clear()
    return anthropic.Anthropic(base_url=sim.origin, api_key=sim.key, max_retries=0)


def post(sim, body, **headers):
    known = {"x-api-key": sim.key, "anthropic-version": "2023-06-01"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    return httpx.post(sim.base_url + "/messages", json=body, headers={k: v for k, v in known.items() if v})


def said(text):
    return [{"role": "user", "content": text}]


def test_unary_and_usage(client):
    answer = client.messages.create(model=MODEL, max_tokens=50, messages=said("good morning"))
    assert answer.content[0].text == "echo: good morning"
    assert (answer.usage.output_tokens, answer.stop_reason) == (3, "end_turn")


def test_stream(client):
    with client.messages.stream(model=MODEL, max_tokens=50, messages=said("long 5")) as events:
        assert "".join(events.text_stream) == "w1 w2 w3 w4 w5"
        assert events.get_final_message().usage.output_tokens == 5


def test_thinking_and_tools_loop(client):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    asked = said("get_weather please")
    first = client.messages.create(model=MODEL, max_tokens=4096, messages=asked, tools=[WEATHER], thinking=thinking)
    assert [block.type for block in first.content] == ["thinking", "text", "tool_use"]
    blocks = [block.model_dump(exclude_none=True) for block in first.content]
    asked += [{"role": "assistant", "content": blocks}]
    asked += [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": first.content[2].id, "content": "sunny"}]}
    ]
    second = client.messages.create(model=MODEL, max_tokens=4096, messages=asked, tools=[WEATHER], thinking=thinking)
    assert second.content[-1].text == "tools said: sunny"
    blocks[0]["signature"] = "AAAA"
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        client.messages.create(model=MODEL, max_tokens=4096, messages=asked, tools=[WEATHER], thinking=thinking)
    with pytest.raises(anthropic.BadRequestError, match="Expected `thinking`"):
        asked[1] = {"role": "assistant", "content": blocks[2:]}
        client.messages.create(model=MODEL, max_tokens=4096, messages=asked, tools=[WEATHER], thinking=thinking)


def test_what_it_found_is_taken_back_and_nothing_else(client):
    search = {"type": "web_search_20250305", "name": "web_search"}
    asked = said("search please")
    first = client.messages.create(model=MODEL, max_tokens=99, messages=asked, tools=[search])
    assert [block.type for block in first.content[:3]] == ["server_tool_use", "web_search_tool_result", "text"]
    cited = next(place for place, block in enumerate(first.content) if block.type == "text" and block.citations)
    blocks = [block.model_dump(exclude_none=True) for block in first.content]
    asked += [{"role": "assistant", "content": blocks}, *said("go on")]
    second = client.messages.create(model=MODEL, max_tokens=99, messages=asked, tools=[search])
    assert second.content[0].text == "echo: go on"
    blocks[cited]["citations"][0]["encrypted_index"] = "AAAA"
    with pytest.raises(anthropic.BadRequestError, match="Could not find search result"):
        client.messages.create(model=MODEL, max_tokens=99, messages=asked, tools=[search])
    asked[1] = {"role": "assistant", "content": blocks[:1]}
    with pytest.raises(anthropic.BadRequestError, match="without a corresponding result"):
        client.messages.create(model=MODEL, max_tokens=99, messages=asked, tools=[search])


def test_structured_output(client):
    class Dog(BaseModel):
        name: str
        age: int

    parsed = client.messages.parse(model=MODEL, max_tokens=99, messages=said("a dog"), output_format=Dog)
    assert parsed.parsed_output == Dog(name="a name", age=7)


def test_cache_marks_show_in_usage(client):
    system = [{"type": "text", "text": "word " * 60, "cache_control": {"type": "ephemeral"}}]
    first = client.messages.create(model=MODEL, max_tokens=9, system=system, messages=said("hi"))
    second = client.messages.create(model=MODEL, max_tokens=9, system=system, messages=said("hi again"))
    assert (first.usage.cache_creation_input_tokens, first.usage.cache_read_input_tokens) == (60, 0)
    assert (second.usage.cache_creation_input_tokens, second.usage.cache_read_input_tokens) == (0, 60)


USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}
ASSISTANT = {"role": "assistant", "content": [USE]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"user": "me"}, "user: Extra inputs are not permitted"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 'first message must use the "user" role'),
        ({"messages": [{"role": "system", "content": "x"}, *said("x")]}, 'first message must use the "user" role'),
        ({"messages": [*said("x"), {"role": "system", "content": "x"}]}, 'Unexpected role "system"'),
        ({"messages": said("")}, "all messages must have non-empty content"),
        ({"messages": said([{"type": "text", "text": " "}])}, "must contain non-whitespace text"),
        ({"messages": said([{"type": "text", "text": "x", "foo": 1}])}, "messages.0.content.0.text.foo: Extra inputs"),
        ({"messages": [*said("x"), ASSISTANT]}, "without `tool_result` blocks immediately after: toolu_1"),
        ({"messages": [*said("x"), ASSISTANT, *said("y")]}, "without `tool_result` blocks immediately after: toolu_1"),
        (
            {"messages": [*said("x"), ASSISTANT, *said([{"type": "text", "text": "so?"}, RESULT])]},
            "`tool_result` blocks",
        ),
        ({"messages": said([RESULT])}, "unexpected `tool_use_id` found"),
        ({"messages": [*said("x"), {"role": "assistant", "content": "y "}]}, "cannot end with trailing whitespace"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"temperature": 0.5, "top_p": 0.9}, "cannot both be specified"),
        ({"thinking": {"type": "enabled", "budget_tokens": 512}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "`max_tokens` must be greater than"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000, "temperature": 0},
            "may only be set to 1",
        ),
        ({"tool_choice": {"type": "auto"}}, "may only be specified while providing tools"),
        ({"tools": [WEATHER], "tool_choice": {"type": "required"}}, "expected tags"),
        ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [{"type": "web_search_20250305", "name": "search"}]}, "Input should be 'web_search'"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search", "size": 1}]}, "size: Extra inputs"),
        ({"tools": [WEATHER | {"name": "web_search"}, {"type": "web_search_20250305", "name": "web_search"}]}, "unique"),
        ({"tools": [{"type": "function", "function": {}}]}, "Input tag 'function'"),
        ({"stop_sequences": ["\n"]}, "must contain non-whitespace"),
        ({"metadata": {"team": "x"}}, "metadata.team: Extra inputs"),
        (
            {
                "messages": said(
                    [{"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": "AA=="}}]
                )
            },
            "media_type",
        ),
        ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}, "additionalProperties"),
        (
            {
                "output_config": {
                    "format": {
                        "type": "json_schema",
                        "schema": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {"a": {"type": "integer", "minimum": 1}},
                        },
                    }
                }
            },
            "minimum are not supported",
        ),
    ],
)
def test_what_it_refuses(sim, body, words):
    whole = {"model": MODEL, "max_tokens": 20, "messages": said("x")} | body
    answer = post(sim, {k: v for k, v in whole.items() if v is not None})
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


ANSWER = {"role": "assistant", "content": "It is"}
BUDGET = {"type": "enabled", "budget_tokens": 1024}
LIST = {"type": "json_schema", "schema": {"type": "array", "items": {"type": "string"}}}


@pytest.mark.parametrize(
    ("since", "before", "body", "words"),
    [
        ("opus-4-6", "opus-4-5", {"messages": [*said("x"), ANSWER]}, "does not support assistant message prefill"),
        ("opus-4-7", "opus-4-6", {"temperature": 0.5}, "`temperature` is deprecated"),
        ("sonnet-5", "sonnet-4-6", {"top_k": 3}, "`top_k` is deprecated"),
        ("opus-4-8", "sonnet-4-6", {"thinking": BUDGET}, '"thinking.type.enabled" is not supported'),
        ("sonnet-4-5", "sonnet-4-6", {"thinking": {"type": "adaptive"}}, '"thinking.type.adaptive" is not supported'),
        ("opus-5-5", "opus-5", {"thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported'),
        ("fable-5", "haiku-5-5", {"thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported'),
        ("sonnet-5", "sonnet-5-5", {"thinking": {"type": "between_tools"}}, "is not supported"),
        ("sonnet-5-5", "sonnet-5", {"tools": [WEATHER], "tool_choice": {"type": "any"}}, "forced tool use"),
        ("sonnet-4-5", "opus-4-5", {"output_config": {"effort": "low"}}, "the effort parameter"),
        ("opus-4-6", "opus-4-7", {"output_config": {"effort": "xhigh"}}, "the effort parameter"),
        ("sonnet-4-20250514", "sonnet-4-5", {"output_config": {"format": LIST}}, "structured outputs"),
        ("3-5-haiku-20241022", "3-7-sonnet-20250219", {"thinking": BUDGET}, "does not support thinking"),
    ],
)
def test_what_one_model_refuses_and_another_takes(sim, since, before, body, words):
    body = {"max_tokens": 4096, "messages": said("x")} | body
    refused = post(sim, body | {"model": f"claude-{since}"})
    assert refused.status_code == 400 and words in refused.json()["error"]["message"]
    taken = post(sim, body | {"model": f"claude-{before}"})
    assert taken.status_code == 200, taken.text


def test_credentials(sim):
    body = {"model": MODEL, "max_tokens": 20, "messages": said("x")}
    assert post(sim, body, x_api_key="").status_code == 401
    assert post(sim, body, x_api_key="wrong").json()["error"]["type"] == "authentication_error"
    assert "anthropic-version" in post(sim, body, anthropic_version="").json()["error"]["message"]
    assert post(sim, body, authorization="Bearer sk").status_code == 400
    assert post(sim, body, x_api_key="", authorization=f"Bearer {sim.key}").status_code == 200
    newer = post(sim, body | {"temperature": 1}, anthropic_version="2026-10-21")
    assert newer.json()["error"]["message"] == "temperature: Extra inputs are not permitted"


def test_scripted_failures(client, sim):
    sim.script(fail(529), stream_error(0), stream_error(2))
    with pytest.raises(anthropic.APIStatusError) as overloaded:
        client.messages.create(model=MODEL, max_tokens=9, messages=said("x"))
    assert overloaded.value.status_code == 529
    for wanted in (0, 2):
        seen = []
        with pytest.raises(anthropic.APIStatusError):
            for event in client.messages.create(model=MODEL, max_tokens=99, messages=said("long 9"), stream=True):
                seen += [1] if event.type == "content_block_delta" else []
        assert len(seen) == wanted


@pytest.mark.parametrize("shape", [{"pieces": 1}, {"pieces": 23}, {"events_a_write": 10}, {"crlf": True}])
def test_any_cut_of_the_stream_reads_the_same(client, sim, shape):
    sim.script(stream(**shape))
    with client.messages.stream(model=MODEL, max_tokens=99, messages=said("long 12 ünï")) as events:
        assert "".join(events.text_stream) == " ".join(f"w{n}" for n in range(1, 13))
