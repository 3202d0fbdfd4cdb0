"""The official Cohere client against the running gateway, with providers of other dialects behind."""

from __future__ import annotations

import asyncio
import json

import cohere
import pytest

from support.sim import CohereSim, OllamaSim, fail, stream

BEHIND = ["gpt", "claude", "llama", "command"]
KEY = "co-sixth-8f14e45fceea167a"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
DOG = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


@pytest.fixture(scope="module")
def cast():
    with CohereSim(KEY) as command, OllamaSim() as llama:
        yield {"command": command, "llama": llama}


@pytest.fixture
def gate(make_gateway, world, cast):
    for sim in cast.values():
        sim.clear()
    yield make_gateway(
        env={"COHERE_API_KEY": KEY},
        providers={
            "cohere": {"base_url": cast["command"].base_url},
            "ollama": {"base_url": cast["llama"].base_url},
        },
        models={
            "command": "cohere/command-a-03-2025",
            "reasoner": "cohere/command-a-reasoning-08-2025",
            "llama": "ollama/llama3.2",
        },
    )
    assert not any(sim.faults for sim in cast.values())


@pytest.fixture
def client(gate):
    return cohere.ClientV2(api_key="unused", base_url=gate.url)


def said(text):
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("model", BEHIND)
def test_chat(client, model):
    answer = client.chat(model=model, messages=said("good morning"))
    assert answer.message.content[0].text == "echo: good morning"
    assert answer.finish_reason == "COMPLETE"
    assert answer.usage.tokens.input_tokens > 0 and answer.usage.tokens.output_tokens == 3


@pytest.mark.parametrize("model", BEHIND)
def test_stream(client, model):
    events = list(client.chat_stream(model=model, messages=said("long 12")))
    text = "".join(event.delta.message.content.text for event in events if event.type == "content-delta")
    assert text == " ".join(f"w{n}" for n in range(1, 13))
    assert [events[0].type, events[-1].type] == ["message-start", "message-end"]
    assert events[-1].delta.finish_reason == "COMPLETE"
    assert events[-1].delta.usage.tokens.output_tokens == 12


@pytest.mark.parametrize("model", BEHIND)
@pytest.mark.parametrize("streamed", [False, True])
def test_the_whole_tool_loop(client, model, streamed):
    messages = said("get_weather please")
    if streamed:
        events = list(client.chat_stream(model=model, messages=messages, tools=[WEATHER]))
        call = next(event for event in events if event.type == "tool-call-start").delta.message.tool_calls
        pieces = [event for event in events if event.type == "tool-call-delta"]
        arguments = "".join(event.delta.message.tool_calls.function.arguments for event in pieces)
        name, call_id, plan = call.function.name, call.id, None
        assert events[-1].delta.finish_reason == "TOOL_CALL"
    else:
        answer = client.chat(model=model, messages=messages, tools=[WEATHER])
        assert answer.finish_reason == "TOOL_CALL"
        call, plan = answer.message.tool_calls[0], answer.message.tool_plan
        name, call_id, arguments = call.function.name, call.id, call.function.arguments
    assert (name, json.loads(arguments)) == ("get_weather", {"city": "a city"})
    calls = [{"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}]
    messages.append({"role": "assistant", "tool_calls": calls} | ({"tool_plan": plan} if plan else {}))
    messages.append({"role": "tool", "tool_call_id": call_id, "content": "sunny"})
    final = client.chat(model=model, messages=messages, tools=[WEATHER])
    assert final.message.content[0].text == "tools said: sunny"


@pytest.mark.parametrize("model", BEHIND)
def test_structured_output(client, model):
    form = {"type": "json_object", "json_schema": DOG}
    answer = client.chat(model=model, messages=said("a dog"), response_format=form)
    assert json.loads(answer.message.content[0].text) == {"name": "a name", "age": 7}


@pytest.mark.parametrize("model", ["claude", "llama", "reasoner"])
@pytest.mark.parametrize("streamed", [False, True])
def test_thinking(client, model, streamed):
    more = {"thinking": {"type": "enabled", "token_budget": 1024}, "max_tokens": 4000}
    if streamed:
        events = list(client.chat_stream(model=model, messages=said("hm"), **more))
        content = [event.delta.message.content for event in events if event.type == "content-delta"]
        thought = "".join(piece.thinking or "" for piece in content)
        text = "".join(piece.text or "" for piece in content)
    else:
        blocks = client.chat(model=model, messages=said("hm"), **more).message.content
        assert [block.type for block in blocks] == ["thinking", "text"]
        thought, text = blocks[0].thinking, blocks[1].text
    assert thought.startswith("The user said") and text == "echo: hm"


def test_required_tools(client, cast):
    for model in ["gpt", "claude", "command"]:
        answer = client.chat(model=model, messages=said("anything"), tools=[WEATHER], tool_choice="REQUIRED")
        assert answer.message.tool_calls[0].function.name == "get_weather", model


def test_documents(client, world, cast):
    documents = [{"id": "d1", "data": {"text": "Ruby is red."}}, "Sapphire is blue."]
    for model, sim in [("gpt", world.openai), ("claude", world.claude), ("command", cast["command"])]:
        client.chat(model=model, messages=said("which is red?"), documents=documents)
        assert "Ruby is red." in sim.last.text() and "Sapphire is blue." in sim.last.text()


def test_errors(client, world):
    with pytest.raises(cohere.errors.NotFoundError) as unknown:
        client.chat(model="nobody", messages=said("hi"))
    assert "nobody" in unknown.value.body["message"]
    world.claude.script(stream(error_event=2, between=0.05), fail(429))
    events = list(client.chat_stream(model="claude", messages=said("long 9")))
    assert events[-1].delta.finish_reason == "ERROR" and "verload" in events[-1].delta.error
    with pytest.raises(cohere.errors.TooManyRequestsError):
        client.chat(model="claude", messages=said("hi"), request_options={"max_retries": 0})


def test_models(client):
    listed = client.models.list()
    assert {"gpt", "claude", "command", "llama"} <= {model.name for model in listed.models}
    assert client.models.get("gpt").name == "gpt"


def test_the_asynchronous_client(gate):
    async def ask():
        async with cohere.AsyncClientV2(api_key="unused", base_url=gate.url) as made:
            answer = await made.chat(model="gpt", messages=said("good morning"))
        return answer.message.content[0].text

    assert asyncio.run(ask()) == "echo: good morning"
