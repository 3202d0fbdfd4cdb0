"""The official Ollama client against the running gateway, with providers of other dialects behind."""

from __future__ import annotations

import asyncio

import ollama
import pytest
from pydantic import BaseModel

from support.sim import CohereSim, OllamaSim, fail, stream

BEHIND = ["gpt", "claude", "command", "llama"]
COHERE_KEY = "co-fifth-0a1b2c3d4e5f6071"


def get_weather(city: str) -> str:
    """Weather of a city

    Args:
      city: the city
    """
    return f"sunny in {city}"


class Dog(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def cast():
    with CohereSim(COHERE_KEY) as command, OllamaSim() as llama:
        yield {"command": command, "llama": llama}


@pytest.fixture
def gate(make_gateway, world, cast):
    for sim in cast.values():
        sim.clear()
    yield make_gateway(
        env={"COHERE_API_KEY": COHERE_KEY},
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
    return ollama.Client(host=gate.url)


def said(text):
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("model", BEHIND)
def test_chat(client, model):
    answer = client.chat(model=model, messages=said("good morning"))
    assert answer.message.content == "echo: good morning"
    assert answer.done and answer.done_reason == "stop"
    assert answer.prompt_eval_count > 0 and answer.eval_count == 3


@pytest.mark.parametrize("model", BEHIND)
def test_stream(client, model):
    parts = list(client.chat(model=model, messages=said("long 12"), stream=True))
    assert "".join(part.message.content for part in parts) == " ".join(f"w{n}" for n in range(1, 13))
    assert [part.done for part in parts].count(True) == 1 and parts[-1].eval_count == 12


@pytest.mark.parametrize("model", BEHIND)
@pytest.mark.parametrize("streamed", [False, True])
def test_the_whole_tool_loop(client, model, streamed):
    messages = said("get_weather please")
    if streamed:
        parts = list(client.chat(model=model, messages=messages, tools=[get_weather], stream=True))
        calls = [call for part in parts for call in part.message.tool_calls or []]
        answer = ollama.Message(role="assistant", content="", tool_calls=calls)
    else:
        answer = client.chat(model=model, messages=messages, tools=[get_weather]).message
        calls = answer.tool_calls
    assert [(call.function.name, call.function.arguments) for call in calls] == [("get_weather", {"city": "a city"})]
    result = get_weather(**calls[0].function.arguments)
    messages += [answer, {"role": "tool", "tool_name": "get_weather", "content": result}]
    final = client.chat(model=model, messages=messages, tools=[get_weather])
    assert final.message.content == "tools said: sunny in a city"


@pytest.mark.parametrize("model", BEHIND)
def test_structured_output(client, model):
    answer = client.chat(model=model, messages=said("a dog"), format=Dog.model_json_schema())
    assert Dog.model_validate_json(answer.message.content) == Dog(name="a name", age=7)


@pytest.mark.parametrize("model", ["claude", "reasoner", "llama"])
@pytest.mark.parametrize("streamed", [False, True])
def test_thinking(client, model, streamed):
    options = {"num_predict": 4000}
    if streamed:
        parts = list(client.chat(model=model, messages=said("hm"), think=True, options=options, stream=True))
        thought = "".join(part.message.thinking or "" for part in parts)
        text = "".join(part.message.content or "" for part in parts)
    else:
        message = client.chat(model=model, messages=said("hm"), think=True, options=options).message
        thought, text = message.thinking, message.content
    assert thought.startswith("The user said") and text == "echo: hm"


@pytest.mark.parametrize("model", BEHIND)
def test_generate(client, model):
    assert client.generate(model=model, prompt="good day", system="Be kind.").response == "echo: good day"
    parts = list(client.generate(model=model, prompt="long 5", stream=True))
    assert "".join(part.response for part in parts) == "w1 w2 w3 w4 w5"


def test_pictures(client):
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    for model in ["gpt", "claude", "llama"]:
        answer = client.chat(model=model, messages=[{"role": "user", "content": "look", "images": [dot]}])
        assert answer.message.content == "echo: look [1 attached]", model


def test_errors(client, world):
    with pytest.raises(ollama.ResponseError) as unknown:
        client.chat(model="nobody", messages=said("hi"))
    assert unknown.value.status_code == 404 and "nobody" in unknown.value.error
    world.claude.script(stream(error_event=2, between=0.05), fail(529))
    with pytest.raises(ollama.ResponseError) as broken:
        list(client.chat(model="claude", messages=said("long 9"), stream=True))
    assert "verload" in broken.value.error
    with pytest.raises(ollama.ResponseError) as busy:
        client.chat(model="claude", messages=said("hi"))
    assert busy.value.status_code == 529


def test_models(client):
    names = {model.model for model in client.list().models}
    assert {"gpt", "claude", "command", "llama"} <= names
    assert "tools" in client.show("gpt").capabilities
    with pytest.raises(ollama.ResponseError):
        client.show("nobody")


def test_the_asynchronous_client(gate):
    async def ask():
        answer = await ollama.AsyncClient(host=gate.url).chat(model="claude", messages=said("good morning"))
        return answer.message.content

    assert asyncio.run(ask()) == "echo: good morning"
