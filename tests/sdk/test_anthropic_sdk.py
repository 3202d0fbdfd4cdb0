"""The official Anthropic SDK against the running gateway, with each provider dialect behind."""

from __future__ import annotations

import asyncio

import anthropic
import pytest
from pydantic import BaseModel

from support.cast import MODELS
from support.sim import fail, stream_error

WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Dog(BaseModel):
    name: str
    age: int


@pytest.fixture
def client(cast):
    with anthropic.Anthropic(base_url=cast.gateway.url, api_key="unused", max_retries=0) as made:
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
    answer = client.messages.create(model=model, max_tokens=99, messages=said("good morning"))
    assert [block.text for block in answer.content] == ["echo: good morning"]
    assert answer.stop_reason == "end_turn"
    truth = cast[behind].last.usage
    # What was read from a cache is counted apart.
    read = answer.usage.input_tokens + (answer.usage.cache_read_input_tokens or 0)
    assert (read, answer.usage.output_tokens) == (truth["input"], truth["output"])


def test_count_tokens(client, cast, behind, model):
    asked = {"model": model, "system": "be brief", "messages": said("one two three"), "tools": [WEATHER]}
    counted = client.messages.with_raw_response.count_tokens(**asked)
    tokens = counted.parse().input_tokens
    if behind in ("anthropic", "gemini", "bedrock"):
        assert counted.headers["x-tollgate-usage"] == "complete"
        assert tokens == 2 + 3 + 3 or behind != "anthropic"
    else:
        assert counted.headers["x-tollgate-usage"] == "estimated"
        assert 40 < tokens < 150


def test_stream(client, model):
    with client.messages.stream(model=model, max_tokens=99, messages=said("long 12")) as events:
        assert "".join(events.text_stream) == " ".join(f"w{n}" for n in range(1, 13))
        final = events.get_final_message()
    assert (final.usage.output_tokens, final.stop_reason) == (12, "end_turn")


def test_raw_stream_events(client, model):
    kinds = [
        event.type for event in client.messages.create(model=model, max_tokens=99, messages=said("long 3"), stream=True)
    ]
    kinds = [kind for kind in kinds if kind != "ping"]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


@pytest.mark.parametrize("streamed", [False, True])
def test_the_whole_tool_loop(client, model, streamed):
    messages = said("get_weather please")

    def ask():
        if not streamed:
            return client.messages.create(model=model, max_tokens=99, messages=messages, tools=[WEATHER])
        with client.messages.stream(model=model, max_tokens=99, messages=messages, tools=[WEATHER]) as events:
            return events.get_final_message()

    first = ask()
    assert first.stop_reason == "tool_use"
    use = first.content[-1]
    assert (use.name, use.input) == ("get_weather", {"city": "a city"})
    messages.append(
        {"role": "assistant", "content": [{"type": "tool_use", "id": use.id, "name": use.name, "input": use.input}]}
    )
    messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}]})
    assert ask().content[0].text == "tools said: sunny"


@pytest.mark.parametrize("streamed", [False, True])
def test_structured_output(client, model, streamed):
    if streamed:
        with client.messages.stream(model=model, max_tokens=99, messages=said("a dog"), output_format=Dog) as events:
            parsed = events.get_final_message()
    else:
        parsed = client.messages.parse(model=model, max_tokens=99, messages=said("a dog"), output_format=Dog)
    assert parsed.parsed_output == Dog(name="a name", age=7)


def test_thinking(client):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    with client.messages.stream(model="anthropic-thinking", max_tokens=4096, messages=said("think"), thinking=thinking) as events:
        final = events.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert final.content[0].signature
    messages = [
        *said("think"),
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in final.content]},
        *said("more"),
    ]
    assert (
        client.messages.create(model="anthropic-thinking", max_tokens=4096, messages=messages, thinking=thinking).content[-1].text
        == "echo: more"
    )


def test_thinking_with_a_reasoning_model_of_openai(client, cast):
    thinking = {"type": "enabled", "budget_tokens": 2048}
    answer = client.messages.create(model="openai_chat-thinking", max_tokens=4096, messages=said("think"), thinking=thinking)
    assert answer.content[-1].text == "echo: think"
    assert cast["openai_chat"].last.json["reasoning_effort"]


@pytest.mark.parametrize(
    ("status", "kind", "type_"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (413, anthropic.APIStatusError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic.APIStatusError, "overloaded_error"),
    ],
)
def test_typed_errors(client, cast, behind, model, status, kind, type_):
    cast[behind].script(fail(status, "3") if status == 429 else fail(status))
    with pytest.raises(kind) as caught:
        client.messages.create(model=model, max_tokens=9, messages=said("x"))
    assert caught.value.status_code == status
    assert caught.value.body["error"]["type"] == type_
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "3"


def test_an_unknown_model(client):
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.create(model="none-such", max_tokens=9, messages=said("x"))
    assert caught.value.body["error"]["type"] == "not_found_error"


def test_request_ids_are_where_the_sdk_looks(client, cast, behind, model):
    raw = client.messages.with_raw_response.create(model=model, max_tokens=9, messages=said("x"))
    # A provider of the same dialect has one of its own.
    own = raw.headers["request-id" if behind == "anthropic" else "x-tollgate-request-id"]
    assert raw.parse()._request_id == own
    cast[behind].script(fail(429))
    for asked in (model, "none-such"):
        with pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(model=asked, max_tokens=9, messages=said("x"))
        assert caught.value.request_id
        assert asked == model or caught.value.body["request_id"] == caught.value.request_id


def test_an_error_in_mid_stream_is_raised(client, cast, behind, model):
    failing = stream_error(4)
    failing.between = 0.03
    cast[behind].script(failing)
    seen = ""
    with pytest.raises(anthropic.APIStatusError):
        for event in client.messages.create(model=model, max_tokens=99, messages=said("long 30"), stream=True):
            if event.type == "content_block_delta":
                seen += event.delta.text
    assert "w2" in seen


def test_models(client):
    listed = [model.id for model in client.models.list()]
    assert set(MODELS) <= set(listed)
    assert client.models.retrieve("gemini").display_name
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("none-such")


PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def test_system_images_and_cache_marks(client, model):
    def see(source):
        return client.messages.create(
            model=model,
            max_tokens=99,
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            messages=[
                {
                    "role": "user",
                    "content": [{"type": "image", "source": source}, {"type": "text", "text": "see"}],
                }
            ],
        )

    seen = see({"type": "base64", "media_type": "image/png", "data": PICTURE})
    assert seen.content[0].text == "echo: see [1 attached]"
    elsewhere = {"type": "url", "url": "https://example.com/a.png"}
    if model in ("bedrock", "ollama"):
        # Who fetches nothing cannot answer.
        with pytest.raises(anthropic.BadRequestError, match="messages\\[0\\]"):
            see(elsewhere)
    else:
        assert see(elsewhere).content[0].text == "echo: see [1 attached]"


def test_async(cast, model):
    async def go():
        async with anthropic.AsyncAnthropic(base_url=cast.gateway.url, api_key="unused", max_retries=0) as client:
            asked = [client.messages.create(model=model, max_tokens=99, messages=said(f"n {n}")) for n in range(10)]
            return [answer.content[0].text for answer in await asyncio.gather(*asked)]

    assert asyncio.run(go()) == [f"echo: n {n}" for n in range(10)]


def test_keys(make_gateway, world):
    import hashlib

    gateway = make_gateway(keys=[{"id": "a", "sha256": hashlib.sha256(b"tg-right-key").hexdigest(), "tenant": "t"}])
    for header in ({"api_key": "tg-right-key"}, {"auth_token": "tg-right-key", "api_key": None}):
        with anthropic.Anthropic(base_url=gateway.url, max_retries=0, **header) as client:
            assert client.messages.create(model="gpt", max_tokens=9, messages=said("x")).content
    with anthropic.Anthropic(base_url=gateway.url, api_key="tg-wrong-key", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.create(model="gpt", max_tokens=9, messages=said("x"))
