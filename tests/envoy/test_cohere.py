"""Cohere's dialect, on both sides of a real Envoy."""

from __future__ import annotations

import json

import pytest

from support.sim import CohereSim, cut, fail, stream, stream_error
from support.world import GPT

KEY = "co-fourth-6512bd43d9caa6e0"
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def command():
    with CohereSim(KEY) as sim:
        yield sim


@pytest.fixture
def gate(make_gateway, world, command):
    command.clear()
    yield make_gateway(
        env={"COHERE_API_KEY": KEY},
        providers={"cohere": {"base_url": command.base_url}},
        models={
            "command": "cohere/command-a-03-2025",
            "reasoner": "cohere/command-a-reasoning-08-2025",
            "command-then-gpt": ["cohere/command-a-03-2025", f"openai/{GPT}"],
        },
    )
    assert not command.faults


def ask(gate, model, text="hello there", **more):
    messages = more.pop("messages", [{"role": "user", "content": text}])
    return gate.http.post("/v2/chat", json={"model": model, "messages": messages, **more})


def events(answer):
    assert answer.headers["content-type"].startswith("text/event-stream")
    data = [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    return [json.loads(line) for line in data[:-1]]


@pytest.mark.parametrize("model", ["gpt", "claude", "command"])
def test_a_client(gate, model):
    body = ask(gate, model, "long 9").json()
    assert body["message"]["content"] == [{"type": "text", "text": " ".join(f"w{n}" for n in range(1, 10))}]
    assert body["finish_reason"] == "COMPLETE" and body["usage"]["tokens"]["output_tokens"] == 9
    said = events(ask(gate, model, "long 9", stream=True))
    deltas = [event for event in said if event["type"] == "content-delta"]
    assert "".join(event["delta"]["message"]["content"]["text"] for event in deltas).endswith("w9")
    assert said[0]["type"] == "message-start" and said[-1]["type"] == "message-end"
    assert said[-1]["delta"]["usage"]["tokens"] == body["usage"]["tokens"]


@pytest.mark.parametrize("model", ["gpt", "claude", "command"])
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_of_a_client(gate, model, streamed):
    answer = ask(gate, model, "get_weather please", tools=[TOOL], stream=streamed)
    if streamed:
        said = events(answer)
        call = next(event for event in said if event["type"] == "tool-call-start")["delta"]["message"]["tool_calls"]
        pieces = [event for event in said if event["type"] == "tool-call-delta"]
        call["function"]["arguments"] = "".join(
            event["delta"]["message"]["tool_calls"]["function"]["arguments"] for event in pieces
        )
        assert said[-1]["delta"]["finish_reason"] == "TOOL_CALL"
    else:
        call = answer.json()["message"]["tool_calls"][0]
        assert answer.json()["finish_reason"] == "TOOL_CALL"
    assert json.loads(call["function"]["arguments"]) == {"city": "a city"}
    history = [
        {"role": "user", "content": "get_weather please"},
        {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
    ]
    final = ask(gate, model, messages=history, tools=[TOOL])
    assert final.json()["message"]["content"][0]["text"] == "tools said: sunny"


def test_documents_reach_others(gate, world):
    answer = ask(gate, "claude", "what is red?", documents=[{"id": "d1", "data": {"text": "Ruby is red."}}])
    assert answer.status_code == 200
    assert "Ruby is red." in world.claude.last.text()


@pytest.mark.parametrize("client", ["openai_chat", "anthropic"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("pieces", [None, 5])
def test_a_provider_behind_other_clients(gate, command, client, streamed, pieces):
    command.always(stream(pieces=pieces))
    answer = gate.ask(client, "command", "long 9", stream=streamed)
    assert answer.status_code == 200 and "w9" in answer.text
    assert '"model":"command-a-03-2025"' in answer.text.replace(" ", "")


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "get_weather"}}])
@pytest.mark.parametrize("streamed", [False, True])
def test_tool_choices_of_openai_clients(gate, command, choice, streamed):
    other = {"type": "function", "function": {"name": "other"}}
    tools = [TOOL] if choice == "required" else [other, TOOL]
    answer = gate.chat("command", "get_weather please", tools=tools, tool_choice=choice, stream=streamed)
    assert answer.status_code == 200, answer.text
    assert '"name":"get_weather"' in answer.text.replace(" ", "")
    assert '"finish_reason":"tool_calls"' in answer.text.replace(" ", "")
    sent = command.last.json
    assert sent.get("tool_choice") == (None if choice == "auto" else "REQUIRED")
    assert len(sent["tools"]) == (2 if choice == "auto" else 1)


def test_the_whole_tool_loop_of_an_anthropic_client(gate, command):
    tools = [{"name": "get_weather", "input_schema": TOOL["function"]["parameters"]}]
    first = gate.messages("command", "get_weather please", tools=tools).json()
    assert first["stop_reason"] == "tool_use"
    call = first["content"][-1]
    history = [
        {"role": "user", "content": "get_weather please"},
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}]},
    ]
    final = gate.messages("command", history, tools=tools)
    assert final.json()["content"][0]["text"] == "tools said: sunny"


def test_thinking_and_structure(gate, command):
    answer = gate.messages("reasoner", "hm", thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=4000)
    assert command.last.json["thinking"] == {"type": "enabled", "token_budget": 1024}
    assert [block["type"] for block in answer.json()["content"]] == ["thinking", "text"]
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": schema, "strict": True}}
    answer = gate.chat("command", "a dog", response_format=form)
    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"name": "a name"}


def test_errors_in_both_directions(gate, world, command):
    unknown = ask(gate, "nobody")
    assert unknown.status_code == 404 and isinstance(unknown.json()["message"], str) and "error" not in unknown.json()
    world.claude.always(stream(error_event=2, between=0.05))
    broken = ask(gate, "claude", "long 9", stream=True)
    assert '"finish_reason":"ERROR"' in broken.text and "[DONE]" not in broken.text
    command.always(fail(429, "7"))
    busy = gate.chat("command")
    assert busy.status_code == 429 and "Trial key" in busy.json()["error"]["message"]
    assert busy.headers["retry-after"] == "7"
    command.always(stream(error_event=2, between=0.05))
    assert "the generation failed" in gate.messages("command", "long 9", stream=True).text
    command.always(stream(stop_after=2, how="end", between=0.05))
    assert "broke off" in gate.chat("command", "long 9", stream=True).text


@pytest.mark.parametrize("behaviour", [fail(500), fail(429, "1"), stream_error(after=0), cut(0, "end")])
def test_fallback(gate, command, behaviour):
    command.always(behaviour)
    answer = gate.messages("command-then-gpt", "good day", stream=True)
    assert answer.status_code == 200 and "good" in answer.text
    assert answer.headers["x-tollgate-provider"] == "openai"


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_counted(gate, command, streamed):
    answer = gate.chat("command", "one two three", stream=streamed)
    usage = gate.audited(answer)["usage"]
    truth = command.last.usage
    assert (usage["input"], usage["output"], usage["cache_read"]) == (
        truth["input"],
        truth["output"],
        truth["cache_read"],
    )


def test_models_for_coheres_own_client(gate):
    listed = gate.http.get("/v1/models", headers={"user-agent": "cohere/7.3.1"}).json()
    [command] = [model for model in listed["models"] if model["name"] == "command"]
    # Whether a model of a provider that does all of it talks, embeds or ranks is nowhere written.
    assert command == {"name": "command", "endpoints": ["chat", "embed", "rerank"], "finetuned": False}
    assert gate.http.get("/v1/models").json()["object"] == "list"
