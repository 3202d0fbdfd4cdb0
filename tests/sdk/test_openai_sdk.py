"""The official OpenAI SDK against the running gateway, with each provider dialect behind."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest
from pydantic import BaseModel

from support.cast import MODELS
from support.sim import fail, stream_error

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Dog(BaseModel):
    name: str
    age: int


@pytest.fixture
def client(cast):
    with openai.OpenAI(base_url=cast.gateway.url + "/v1", api_key="unused", max_retries=0) as made:
        yield made


@pytest.fixture(params=MODELS)
def behind(request):
    return request.param


@pytest.fixture
def model(behind):
    return behind


def said(text):
    return [{"role": "user", "content": text}]


def test_chat(client, cast, behind, model):
    answer = client.chat.completions.create(model=model, messages=said("good morning"))
    assert answer.choices[0].message.content == "echo: good morning"
    assert answer.choices[0].finish_reason == "stop"
    truth = cast[behind].last.usage
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (truth["input"], truth["output"])


def test_stream(client, model):
    events = list(
        client.chat.completions.create(
            model=model, messages=said("long 12"), stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(event.choices[0].delta.content or "" for event in events if event.choices) == " ".join(
        f"w{n}" for n in range(1, 13)
    )
    assert events[-1].usage.completion_tokens == 12
    assert {event.id for event in events} == {events[0].id}


def test_stream_helper(client, model):
    with client.chat.completions.stream(model=model, messages=said("long 7")) as events:
        for _ in events:
            pass
        final = events.get_final_completion()
    assert final.choices[0].message.content.endswith("w7")
    assert final.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("streamed", [False, True])
def test_the_whole_tool_loop(client, model, streamed):
    messages = said("get_weather please")

    def ask():
        if not streamed:
            return client.chat.completions.create(model=model, messages=messages, tools=[WEATHER]).choices[0]
        with client.chat.completions.stream(model=model, messages=messages, tools=[WEATHER]) as events:
            return events.get_final_completion().choices[0]

    first = ask()
    assert first.finish_reason == "tool_calls"
    call = first.message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "a city"})
    messages.append(
        {
            "role": "assistant",
            "content": first.message.content,
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
            ],
        }
    )
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
    assert ask().message.content == "tools said: sunny"


@pytest.mark.parametrize("streamed", [False, True])
def test_structured_output(client, model, streamed):
    if streamed:
        with client.chat.completions.stream(model=model, messages=said("a dog"), response_format=Dog) as events:
            parsed = events.get_final_completion()
    else:
        parsed = client.chat.completions.parse(model=model, messages=said("a dog"), response_format=Dog)
    assert parsed.choices[0].message.parsed == Dog(name="a name", age=7)


def test_reasoning(client, cast, behind):
    model = behind + "-thinking"
    answer = client.chat.completions.create(model=model, messages=said("think"), reasoning_effort="low")
    assert answer.choices[0].message.content == "echo: think"
    if behind in ("openai_chat", "openai_responses"):
        assert answer.usage.completion_tokens_details.reasoning_tokens == cast[behind].last.usage["reasoning"]
    else:
        assert answer.choices[0].message.reasoning_content == cast[behind].last.answer.thought


def test_streamed_reasoning_is_put_together(client, cast, behind):
    """The helper joins the pieces of every list by their indexes."""
    asked = {"model": behind + "-thinking", "messages": said("think"), "reasoning_effort": "low"}
    with client.chat.completions.stream(**asked) as events:
        final = events.get_final_completion().choices[0].message
    assert final.content == "echo: think"
    if behind not in ("openai_chat", "openai_responses"):
        assert final.reasoning_content == cast[behind].last.answer.thought
        assert "".join(block["thinking"] for block in final.thinking_blocks) == final.reasoning_content


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (529, openai.InternalServerError),
    ],
)
def test_typed_errors(client, cast, behind, model, status, kind):
    cast[behind].script(fail(status, "3") if status == 429 else fail(status))
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=model, messages=said("x"))
    assert caught.value.body["message"]
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "3"


def test_an_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="none-such", messages=said("x"))
    assert caught.value.code == "model_not_found"


def test_request_ids_are_where_the_sdk_looks(client, cast, behind, model):
    raw = client.chat.completions.with_raw_response.create(model=model, messages=said("x"))
    # A provider of the same dialect has one of its own.
    own = raw.headers["x-request-id" if behind == "openai_chat" else "x-tollgate-request-id"]
    assert raw.parse()._request_id == own
    cast[behind].script(fail(429))
    for asked in (model, "none-such"):
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model=asked, messages=said("x"))
        assert caught.value.request_id


def test_an_error_in_mid_stream_is_raised(client, cast, behind, model):
    failing = stream_error(4)
    failing.between = 0.03
    cast[behind].script(failing)
    seen = []
    with pytest.raises(openai.APIError):
        for event in client.chat.completions.create(model=model, messages=said("long 30"), stream=True):
            seen += [choice.delta.content for choice in event.choices]
    assert "w2" in "".join(text or "" for text in seen)


def test_models(client):
    listed = [model.id for model in client.models.list()]
    assert set(MODELS) <= set(listed)
    assert client.models.retrieve("cohere").id == "cohere"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("none-such")


def test_raw_response_headers(client, model):
    raw = client.chat.completions.with_raw_response.create(model=model, messages=said("x"))
    assert raw.headers["x-tollgate-attempts"] == "1"


def test_the_sdks_own_retries_meet_the_gateways_retry_after(cast, behind, model):
    cast[behind].script(fail(429, "1"))
    with openai.OpenAI(base_url=cast.gateway.url + "/v1", api_key="unused", max_retries=1) as client:
        assert client.chat.completions.create(model=model, messages=said("x")).choices
    first, second = cast[behind].requests
    assert second.at - first.at >= 0.9


def test_async(cast, model):
    async def go():
        async with openai.AsyncOpenAI(base_url=cast.gateway.url + "/v1", api_key="unused", max_retries=0) as client:
            asked = [client.chat.completions.create(model=model, messages=said(f"n {n}")) for n in range(10)]
            return [answer.choices[0].message.content for answer in await asyncio.gather(*asked)]

    assert asyncio.run(go()) == [f"echo: n {n}" for n in range(10)]


def test_keys(make_gateway, world):
    import hashlib

    gateway = make_gateway(keys=[{"id": "a", "sha256": hashlib.sha256(b"tg-right-key").hexdigest(), "tenant": "t"}])
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="tg-right-key", max_retries=0) as client:
        assert client.chat.completions.create(model="gpt", messages=said("x")).choices
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="tg-wrong-key", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model="gpt", messages=said("x"))
