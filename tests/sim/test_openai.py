"""The simulated OpenAI: accepted by the official SDK, and as strict as the real one."""

from __future__ import annotations

import httpx
import openai
import pytest
from pydantic import BaseModel

from support.sim import OpenAISim, cut, fail, stream, stream_error

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def sim():
    with OpenAISim() as running:
        yield running


@pytest.fixture
def client(sim):
    sim.clear()
    return openai.OpenAI(base_url=sim.base_url, api_key=sim.key, max_retries=0)


def post(sim, body, headers=None, path="/v1/chat/completions"):
    all_headers = {"authorization": f"Bearer {sim.key}"} | (headers or {})
    return httpx.post(sim.origin + path, json=body, headers=all_headers)


def said(text):
    return [{"role": "user", "content": text}]


def test_unary_and_usage(client, sim):
    answer = client.chat.completions.create(model="gpt-4o", messages=said("good morning"))
    assert answer.choices[0].message.content == "echo: good morning"
    assert answer.usage.completion_tokens == 3
    assert sim.last.usage["input"] == answer.usage.prompt_tokens


def test_stream_with_usage(client):
    events = list(
        client.chat.completions.create(
            model="gpt-4o", messages=said("long 5"), stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(e.choices[0].delta.content or "" for e in events if e.choices) == "w1 w2 w3 w4 w5"
    assert events[-1].usage.completion_tokens == 5


def test_the_whole_tool_loop(client):
    asked = said("get_weather please")
    first = client.chat.completions.create(model="gpt-4o", messages=asked, tools=[WEATHER])
    call = first.choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "a city"}')
    asked += [
        first.choices[0].message.model_dump(
            exclude={"refusal", "annotations", "audio", "function_call"}, exclude_none=True
        )
    ]
    asked += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    second = client.chat.completions.create(model="gpt-4o", messages=asked, tools=[WEATHER])
    assert second.choices[0].message.content == "tools said: sunny"


def test_structured_output(client):
    class Dog(BaseModel):
        name: str
        age: int

    parsed = client.chat.completions.parse(model="gpt-4o", messages=said("a dog"), response_format=Dog)
    assert parsed.choices[0].message.parsed == Dog(name="a name", age=7)


def test_azure_paths_want_the_api_version_and_their_own_key(sim):
    path = "/openai/deployments/dep/chat/completions"
    body = {"messages": said("hi")}
    bare = {"api-key": sim.key}
    assert httpx.post(sim.origin + path + "?api-version=2024-10-21", json=body, headers=bare).status_code == 200
    assert httpx.post(sim.origin + path, json=body, headers=bare).status_code == 404
    assert httpx.post(sim.origin + path + "?api-version=1", json=body, headers={"api-key": "no"}).status_code == 401
    assert post(sim, body, path=path + "?api-version=1").status_code == 400


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"top_k": 4}, "Unrecognized request argument supplied: top_k"),
        ({"messages": []}, "empty array"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "Invalid value: 'robot'"),
        (
            {"messages": [{"role": "user", "content": "x", "cache_control": {}}]},
            "Unknown parameter: 'messages[0].cache_control'",
        ),
        (
            {"messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}]},
            "must be a response to a preceeding message",
        ),
        ({"messages": [*said("x"), {"role": "assistant", "content": None}]}, "expected a string, got null"),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                    },
                    *said("x"),
                ]
            },
            "did not have response messages: c",
        ),
        ({"tool_choice": "auto"}, "only allowed when 'tools' are specified"),
        ({"tools": []}, "empty array"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "does not match pattern"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
            "schema must be a JSON Schema of",
        ),
        ({"temperature": 2.1}, "above maximum value"),
        ({"stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled"),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
        ({"stop": ["1", "2", "3", "4", "5"]}, "array too long"),
        ({"reasoning_effort": "low"}, "Unrecognized request argument supplied: reasoning_effort"),
        ({"model": "o3", "reasoning_effort": "minimal"}, "Supported values are: 'low', 'medium', and 'high'."),
        ({"model": "gpt-5-mini", "reasoning_effort": "none"}, "values are: 'minimal', 'low', 'medium', and 'high'."),
        ({"model": "gpt-5.1", "reasoning_effort": "minimal"}, "values are: 'none', 'low', 'medium', and 'high'."),
        ({"model": "gpt-5-pro-2025-10-06", "reasoning_effort": "low"}, "Supported values are: 'high'."),
        ({"model": "o3", "max_tokens": 5}, "Use 'max_completion_tokens' instead"),
        ({"model": "gpt-5", "temperature": 0.5}, "Only the default (1) value is supported"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA=="}}],
                    }
                ]
            },
            "unsupported image",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, "Invalid value: 'image'"),
    ],
)
def test_what_it_refuses(sim, body, words):
    answer = post(sim, {"model": "gpt-4o", "messages": said("x")} | body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


def test_credentials(sim):
    body = {"model": "gpt-4o", "messages": said("x")}
    assert httpx.post(sim.base_url + "/chat/completions", json=body).status_code == 401
    assert post(sim, body, {"authorization": "Bearer sk-wrong"}).json()["error"]["code"] == "invalid_api_key"
    assert post(sim, body, {"x-api-key": "sk-ant"}).status_code == 400
    assert post(sim, body, {"x-tollgate-tenant": "a"}).status_code == 400
    assert len(sim.faults) >= 2


def test_models_of_others_are_unknown(client):
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="claude-sonnet-4-5", messages=said("x"))


def test_gzip_for_who_accepts_it(sim):
    body = {"model": "gpt-4o", "messages": said("x")}
    assert post(sim, body, {"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in post(sim, body, {"accept-encoding": "identity"}).headers


def test_scripted_failures(client, sim):
    sim.script(fail(429, "7"), fail(502, html=True), stream_error(0), cut(2))
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="gpt-4o", messages=said("x"))
    assert limited.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="gpt-4o", messages=said("x"))
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="gpt-4o", messages=said("x"), stream=True))
    seen = []
    with pytest.raises(Exception):  # noqa: B017 - the transport's own, whichever it is
        for event in client.chat.completions.create(model="gpt-4o", messages=said("long 9"), stream=True):
            seen.append(event.choices[0].delta.content)
    assert seen == ["", "w1", " w2"]


@pytest.mark.parametrize(
    "shape", [{"pieces": 1}, {"pieces": 17}, {"events_a_write": 10}, {"crlf": True}, {"comments": True}]
)
def test_any_cut_of_the_stream_reads_the_same(client, sim, shape):
    sim.script(stream(**shape))
    events = client.chat.completions.create(model="gpt-4o", messages=said("long 12 ünï"), stream=True)
    assert "".join(e.choices[0].delta.content or "" for e in events if e.choices) == " ".join(
        f"w{n}" for n in range(1, 13)
    )


def test_logprobs_and_n(client):
    answer = client.chat.completions.create(model="gpt-4o", messages=said("x y"), n=2, logprobs=True, top_logprobs=1)
    assert [c.index for c in answer.choices] == [0, 1]
    assert [t.token for t in answer.choices[0].logprobs.content] == ["echo:", " x", " y"]


def test_refusal(client):
    answer = client.chat.completions.create(model="gpt-4o", messages=said("refuse this"))
    assert answer.choices[0].message.refusal and answer.choices[0].message.content is None
