"""The official google-genai SDK against the running gateway, with each provider dialect behind; and the official SDKs of
OpenAI and Anthropic with Gemini behind."""

from __future__ import annotations

import asyncio
import json

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from support.sim import GeminiSim, OllamaSim, fail, stream_error

KEY = "AIzaSimulated-sdk-3f2a9c51"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Dog(BaseModel):
    name: str
    age: int
    tags: list[str] | None = None


@pytest.fixture(scope="module")
def google():
    with GeminiSim(KEY) as sim:
        yield sim


@pytest.fixture(scope="module")
def llama():
    with OllamaSim() as sim:
        yield sim


@pytest.fixture
def gate(make_gateway, world, google, llama):
    google.clear()
    llama.clear()
    yield make_gateway(
        env={"GOOGLE_TEST_KEY": KEY},
        providers={
            "gemini": {"base_url": google.base_url, "api_key_env": "GOOGLE_TEST_KEY"},
            "llama": {"base_url": llama.base_url, "dialect": "ollama"},
        },
        models={
            "flash": "gemini/gemini-2.5-flash",
            "three": "gemini/gemini-3-flash-preview",
            "llama": "llama/llama3.2",
        },
    )
    assert not google.faults + llama.faults


@pytest.fixture
def client(gate):
    options = types.HttpOptions(base_url=gate.url, retry_options=types.HttpRetryOptions(attempts=1))
    return genai.Client(api_key="unused", vertexai=False, http_options=options)


@pytest.fixture(params=["gpt", "claude", "llama", "flash"])
def model(request):
    return request.param


def test_generate_content(client, model):
    answer = client.models.generate_content(model=model, contents="long 9")
    assert answer.text == " ".join(f"w{n}" for n in range(1, 10))
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata.candidates_token_count == 9
    assert answer.usage_metadata.total_token_count == answer.usage_metadata.prompt_token_count + 9


def test_settings(client, model, world):
    config = types.GenerateContentConfig(
        system_instruction="be brief", temperature=0.3, max_output_tokens=3, stop_sequences=["never"]
    )
    answer = client.models.generate_content(model=model, contents=["So:", "long 9"], config=config)
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS


def test_stream(client, model):
    chunks = list(client.models.generate_content_stream(model=model, contents="long 9"))
    assert "".join(chunk.text or "" for chunk in chunks) == " ".join(f"w{n}" for n in range(1, 10))
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata.candidates_token_count == 9


def test_async_stream(client, model):
    async def run():
        stream = await client.aio.models.generate_content_stream(model=model, contents="long 4")
        return "".join([chunk.text or "" async for chunk in stream])

    assert asyncio.run(run()) == "w1 w2 w3 w4"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_chat_remembers(client, model, streamed):
    chat = client.chats.create(model=model)
    for words in ("good morning", "good night"):
        if streamed:
            said = "".join(chunk.text or "" for chunk in chat.send_message_stream(words))
        else:
            said = chat.send_message(words).text
        assert said == f"echo: {words}"
    assert len(chat.get_history()) >= 4


def test_automatic_function_calling(client, model):
    asked = []

    def get_weather(city: str) -> str:
        """Weather of a city."""
        asked.append(city)
        return "sunny"

    config = types.GenerateContentConfig(tools=[get_weather])
    answer = client.models.generate_content(model=model, contents="get_weather please", config=config)
    assert asked == ["a city"]
    assert "sunny" in answer.text


@pytest.mark.parametrize("model", ["gpt", "claude", "three"])
def test_parallel_calls_by_hand(client, model):
    functions = [
        types.FunctionDeclaration(name=name, description=name, parameters_json_schema=CITY) for name in ("one", "two")
    ]
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=functions)])
    contents = [types.Content(role="user", parts=[types.Part(text="every tool please")])]
    answer = client.models.generate_content(model=model, contents=contents, config=config)
    assert [call.name for call in answer.function_calls] == ["one", "two"]
    assert answer.function_calls[0].args == {"city": "a city"}
    contents.append(answer.candidates[0].content)
    results = []
    for call in answer.function_calls:
        part = types.Part.from_function_response(name=call.name, response={"result": f"{call.name} done"})
        part.function_response.id = call.id
        results.append(part)
    contents.append(types.Content(role="user", parts=results))
    final = client.models.generate_content(model=model, contents=contents, config=config)
    assert "one done" in final.text and "two done" in final.text


@pytest.mark.parametrize("model", ["gpt", "claude", "flash"])
def test_structured_output(client, model):
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Dog)
    answer = client.models.generate_content(model=model, contents="a dog", config=config)
    assert isinstance(answer.parsed, Dog) and answer.parsed.age == 7


@pytest.mark.parametrize("model", ["claude", "flash"])
def test_thinking(client, model):
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    config = types.GenerateContentConfig(thinking_config=thinking, max_output_tokens=4000)
    answer = client.models.generate_content(model=model, contents="hello", config=config)
    assert [bool(part.thought) for part in answer.candidates[0].content.parts] == [True, False]
    assert answer.text == "echo: hello"
    chat = client.chats.create(model=model, config=config)
    streamed = list(chat.send_message_stream("hello"))
    thought = "".join(
        part.text for chunk in streamed for part in (chunk.candidates[0].content.parts or []) if part.thought
    )
    assert thought == answer.candidates[0].content.parts[0].text
    assert chat.send_message("again").text == "echo: again"


@pytest.mark.parametrize("model", ["gpt", "claude", "flash"])
def test_errors(client, model, world, google):
    sim = {"gpt": world.openai, "claude": world.claude, "flash": google}[model]
    sim.always(fail(429))
    with pytest.raises(errors.ClientError) as limited:
        client.models.generate_content(model=model, contents="hi")
    assert (limited.value.code, limited.value.status) == (429, "RESOURCE_EXHAUSTED")
    sim.always(fail(500))
    with pytest.raises(errors.ServerError):
        client.models.generate_content(model=model, contents="hi")
    sim.always(stream_error(after=2))
    with pytest.raises(errors.APIError):
        list(client.models.generate_content_stream(model=model, contents="long 9"))


def test_unknown_models_and_the_list(client):
    with pytest.raises(errors.ClientError) as missing:
        client.models.generate_content(model="nobody", contents="hi")
    assert missing.value.code == 404
    assert "models/flash" in [found.name for found in client.models.list()]
    assert client.models.get(model="flash").display_name == "flash"


def test_the_paths_of_vertex(gate):
    options = types.HttpOptions(base_url=gate.url, headers={"authorization": "Bearer unused"})
    client = genai.Client(vertexai=True, api_key="unused", http_options=options)
    assert client.models.generate_content(model="gpt", contents="long 2").text == "w1 w2"


# -- the other makers' SDKs with Gemini behind --------------------------------------------------------------------


@pytest.mark.parametrize("model", ["flash", "three"])
@pytest.mark.parametrize("streamed", [False, True])
def test_openai_sdk(gate, google, model, streamed):
    client = openai.OpenAI(base_url=f"{gate.url}/v1", api_key="unused", max_retries=0)
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}]
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "get_weather please"}]

    def ask():
        if not streamed:
            return client.chat.completions.create(model=model, messages=messages, tools=tools)
        with client.chat.completions.stream(model=model, messages=messages, tools=tools) as events:
            for _ in events:
                pass
            return events.get_final_completion()

    choice = ask().choices[0]
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "a city"}
    messages.append(choice.message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
    assert ask().choices[0].message.content == "tools said: sunny", google.last.refused
    parsed = client.chat.completions.parse(model=model, messages=[{"role": "user", "content": "a dog"}], response_format=Dog)
    assert parsed.choices[0].message.parsed.age == 7


@pytest.mark.parametrize("model", ["flash", "three"])
@pytest.mark.parametrize("streamed", [False, True])
def test_anthropic_sdk(gate, google, model, streamed):
    client = anthropic.Anthropic(base_url=gate.url, api_key="unused", max_retries=0)
    tools = [{"name": "get_weather", "description": "Weather", "input_schema": CITY}]
    messages = [{"role": "user", "content": "get_weather please"}]
    more = {
        "max_tokens": 4000,
        "tools": tools,
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "extra_headers": {"anthropic-beta": "interleaved-thinking-2025-05-14"},
    }

    def ask():
        if not streamed:
            return client.messages.create(model=model, messages=messages, **more)
        with client.messages.stream(model=model, messages=messages, **more) as events:
            return events.get_final_message()

    answer = ask()
    assert answer.stop_reason == "tool_use"
    assert answer.content[0].type == "thinking"
    call = answer.content[-1]
    messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]})
    messages.append(
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]}
    )
    final = ask()
    assert final.content[-1].text == "tools said: sunny", google.last.refused
    with pytest.raises(anthropic.RateLimitError):
        google.always(fail(429))
        ask()
