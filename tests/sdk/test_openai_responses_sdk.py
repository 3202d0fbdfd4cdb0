"""The official OpenAI SDK's Responses against the running gateway, with a provider of each other dialect behind."""

from __future__ import annotations

import json
import warnings

import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from support.sim import OllamaSim, OpenAIResponsesSim, fail, stream_error
from support.world import SECRETS, model_for

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
BEHIND = ["openai_chat", "anthropic", "ollama", "openai_responses"]


class Dog(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def ollama():
    with OllamaSim(ids=True) as running:
        yield running


@pytest.fixture(scope="module")
def own():
    with OpenAIResponsesSim(SECRETS["OPENAI_TEST_KEY"]) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(make_gateway, ollama, own):
    return make_gateway(
        providers={
            "ollama": {"base_url": ollama.base_url, "dialect": "ollama"},
            "own": {"base_url": own.base_url, "dialect": "openai_responses", "api_key_env": "OPENAI_TEST_KEY"},
        },
        models={"llama": "ollama/qwen3", "own": "own/gpt-4o", "thinker": "own/gpt-5"},
    )


@pytest.fixture(autouse=True)
def fresh(world, ollama, own):
    ollama.clear()
    own.clear()
    yield
    assert not ollama.faults and not own.faults


@pytest.fixture
def client(gateway):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="unused", max_retries=0) as made:
        yield made


@pytest.fixture(params=BEHIND)
def behind(request):
    return request.param


@pytest.fixture
def model(behind):
    return {"ollama": "llama", "openai_responses": "own"}.get(behind) or model_for(behind)


@pytest.fixture
def sim(behind, world, ollama, own):
    return {"ollama": ollama, "openai_responses": own}.get(behind) or world.sim(behind)


def whole(response):
    """The answer is what the SDK's types say, in every field."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Response.model_validate(json.loads(response.model_dump_json(by_alias=True)), strict=False)


def test_create(client, model, sim):
    answer = client.responses.create(model=model, input="good morning", instructions="Be kind.", metadata={"a": "b"})
    assert answer.output_text == "echo: good morning"
    assert (answer.status, answer.error, answer.incomplete_details) == ("completed", None, None)
    assert (answer.instructions, answer.metadata, answer.tools, answer.tool_choice) == (
        "Be kind.",
        {"a": "b"},
        [],
        "auto",
    )
    truth = sim.last.usage
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (truth["input"], truth["output"])
    assert answer.usage.output_tokens_details.reasoning_tokens == truth.get("reasoning", 0)
    whole(answer)


def test_stream(client, model):
    events = list(client.responses.create(model=model, input="long 12", stream=True))
    kinds = [event.type for event in events]
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == " ".join(f"w{n}" for n in range(1, 13)) == events[-1].response.output_text
    assert events[-1].response.usage.output_tokens == 12
    whole(events[-1].response)


def test_stream_helper(client, model):
    with client.responses.stream(model=model, input="long 7") as events:
        for _ in events:
            pass
        final = events.get_final_response()
    assert final.output_text.endswith("w7") and final.status == "completed"


@pytest.mark.parametrize("streamed", [False, True])
def test_the_agents_loop(client, model, streamed):
    """Every item of an answer goes back as it came, with the outputs of its calls behind it."""
    items = [{"role": "user", "content": "get_weather please"}]

    def ask():
        if not streamed:
            return client.responses.create(model=model, input=items, tools=[WEATHER])
        with client.responses.stream(model=model, input=items, tools=[WEATHER]) as events:
            return events.get_final_response()

    first = ask()
    calls = [item for item in first.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [("get_weather", {"city": "a city"})]
    items += [item.to_dict(exclude_none=True) for item in first.output]
    for item in items:
        item.pop("parsed_arguments", None)
    items.append({"type": "function_call_output", "call_id": calls[0].call_id, "output": "sunny"})
    assert ask().output_text == "tools said: sunny"


def test_several_calls_at_once(client, model):
    tools = [WEATHER, {**WEATHER, "name": "get_time"}]
    items = [{"role": "user", "content": "every tool"}]
    with client.responses.stream(model=model, input=items, tools=tools) as events:
        first = events.get_final_response()
    calls = [item for item in first.output if item.type == "function_call"]
    assert {call.name for call in calls} == {"get_weather", "get_time"}
    assert len({call.call_id for call in calls}) == 2
    for call in calls:
        item = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
        items.append(item)
    for number, call in enumerate(calls):
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"n{number}"})
    assert client.responses.create(model=model, input=items, tools=tools).output_text == "tools said: n0; n1"


@pytest.mark.parametrize("streamed", [False, True])
def test_structured_output(client, model, streamed):
    if streamed:
        with client.responses.stream(model=model, input="a dog", text_format=Dog) as events:
            parsed = events.get_final_response()
    else:
        parsed = client.responses.parse(model=model, input="a dog", text_format=Dog)
    assert parsed.output_parsed == Dog(name="a name", age=7)


def test_the_end_of_room(client, model):
    answer = client.responses.create(model=model, input="long 40", max_output_tokens=16)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    last = list(client.responses.create(model=model, input="long 40", max_output_tokens=16, stream=True))[-1]
    assert (last.type, last.response.incomplete_details.reason) == ("response.incomplete", "max_output_tokens")


@pytest.mark.parametrize("streamed", [False, True])
def test_claudes_thoughts_come_back_signed(client, world, streamed):
    """Thinking and a call; what came goes back, and Claude takes it."""
    items = [{"role": "user", "content": "get_weather please"}]
    more = {"tools": [WEATHER], "reasoning": {"effort": "low", "summary": "auto"}, "max_output_tokens": 4000}
    if streamed:
        with client.responses.stream(model="claude", input=items, **more) as events:
            first = events.get_final_response()
    else:
        first = client.responses.create(model="claude", input=items, **more)
    thought = first.output[0]
    assert (thought.type, thought.summary[0].text) == ("reasoning", world.claude.last.answer.thought)
    assert thought.encrypted_content.startswith("tollgate1:anthropic:thinking:")
    items += [item.to_dict(exclude_none=True) for item in first.output]
    for item in items:
        item.pop("parsed_arguments", None)
    call = next(item for item in first.output if item.type == "function_call")
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    assert client.responses.create(model="claude", input=items, **more).output_text == "tools said: sunny"
    block = world.claude.last.json["messages"][1]["content"][0]
    assert (block["type"], block["thinking"]) == ("thinking", thought.summary[0].text)
    # The same conversation goes on with another maker's model, which never sees what it could not read.
    assert client.responses.create(model="thinker", input=items, **more).output_text == "tools said: sunny"


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "background"])
def test_what_only_a_keeper_of_answers_can_do(client, own, field):
    value = True if field == "background" else "resp_1"
    for model in ("gpt", "claude", "llama"):
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(model=model, input="hi", **{field: value})
        assert caught.value.param == field and field in caught.value.message


def test_a_provider_of_its_own_keeps_answers(client, own):
    first = client.responses.create(model="own", input="my name is Ada")
    assert own.last.json == {"model": "gpt-4o", "input": "my name is Ada"}
    second = client.responses.create(model="own", input="so?", previous_response_id=first.id)
    assert second.output_text == "echo: so?" and own.last.json["previous_response_id"] == first.id
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="own", input="so?", previous_response_id="resp_unknown")
    assert caught.value.code == "previous_response_not_found"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_typed_errors(client, model, sim, status, kind):
    sim.script(fail(status, "3") if status == 429 else fail(status))
    with pytest.raises(kind) as caught:
        client.responses.create(model=model, input="x")
    assert caught.value.body["message"]
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "3"


def test_an_error_in_mid_stream_is_raised(client, model, sim, behind):
    failing = stream_error(6)
    failing.between = 0.03
    sim.script(failing)
    seen = ""
    with pytest.raises(openai.APIError):
        for event in client.responses.create(model=model, input="long 30", stream=True):
            seen += getattr(event, "delta", None) or ""
            # Its own provider's events pass as they are: the SDK hands this one out.
            if event.type == "error":
                raise openai.APIError(event.message, request=None, body=None)
    assert "w2" in seen


def test_a_refusal(client):
    answer = client.responses.create(model="gpt", input="refuse this")
    assert answer.output[0].content[0].type == "refusal"
    with client.responses.stream(model="gpt", input="refuse this") as events:
        kinds = {event.type for event in events}
    assert {"response.refusal.delta", "response.refusal.done"} <= kinds


def test_pictures_and_files(client, world):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    parts = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{pixel}", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQ="},
    ]
    for model in ("gpt", "claude", "own"):
        answer = client.responses.create(model=model, input=[{"role": "user", "content": parts}])
        assert answer.output_text == "echo: look [2 attached]", model


def test_chat_and_claude_clients_of_a_provider_of_responses_only(gateway, client, own):
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER["parameters"]}}
    messages = [{"role": "user", "content": "get_weather please"}]
    with client.chat.completions.stream(
        model="thinker", messages=messages, tools=[tool], reasoning_effort="low"
    ) as events:
        first = events.get_final_completion().choices[0]
    assert first.finish_reason == "tool_calls"
    sent = own.last.json
    assert (sent["store"], sent["include"]) == (False, ["reasoning.encrypted_content"])
    call = first.message.tool_calls[0]
    messages.append(
        {
            "role": "assistant",
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
    answer = client.chat.completions.create(model="thinker", messages=messages, tools=[tool])
    assert answer.choices[0].message.content == "tools said: sunny"
    assert answer.usage.prompt_tokens == own.last.usage["input"]

    claude = gateway.messages("thinker", "hm", thinking={"type": "enabled", "budget_tokens": 2000}, max_tokens=4000)
    kinds = [block["type"] for block in claude.json()["content"]]
    assert kinds == ["thinking", "text"], claude.text
    assert own.last.json["reasoning"] == {"effort": "low", "summary": "auto"}
