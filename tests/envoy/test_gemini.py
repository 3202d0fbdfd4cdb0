"""Google Gemini on both sides of a real Envoy: clients that speak it before providers of every dialect, and clients of
every dialect before it."""

from __future__ import annotations

import hashlib
import json

import pytest

from support.answers import ANTHROPIC, OPENAI, error_of, read, read_stream, sse, usage
from support.sim import GeminiSim, cut, fail, raw, stream, stream_error
from support.world import CLAUDE, GPT

KEY = "AIzaSimulated-3f2a9c51e2d84b60"
TOKEN = "ya29.simulated-access-token"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
DECLARED = {"functionDeclarations": [{"name": "get_weather", "description": "Weather of a city", "parameters": CITY}]}
TOOLS = {
    OPENAI: [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}],
    ANTHROPIC: [{"name": "get_weather", "input_schema": CITY}],
}


@pytest.fixture(scope="module")
def google():
    with GeminiSim(KEY) as sim:
        yield sim


@pytest.fixture(scope="module")
def vertex():
    with GeminiSim(TOKEN, vertex=True) as sim:
        yield sim


@pytest.fixture(scope="module")
def array():
    with GeminiSim(KEY, always_array=True) as sim:
        yield sim


@pytest.fixture
def gate(make_gateway, world, google, vertex, array):
    for sim in (google, vertex, array):
        sim.clear()
    yield make_gateway(
        env={"GOOGLE_TEST_KEY": KEY, "VERTEX_TEST_TOKEN": TOKEN},
        providers={
            "gemini": {"base_url": google.base_url, "api_key_env": "GOOGLE_TEST_KEY"},
            "vertex": {
                "base_url": f"{vertex.base_url}/v1/projects/p1/locations/global",
                "api_key_env": "VERTEX_TEST_TOKEN",
            },
            "array": {"preset": "gemini", "base_url": array.base_url, "api_key_env": "GOOGLE_TEST_KEY"},
        },
        models={
            "flash": "gemini/gemini-2.5-flash",
            "three": "gemini/gemini-3-flash-preview",
            "gemma": "gemini/gemma-3-27b-it",
            "cloud": "vertex/gemini-2.5-flash",
            "array": "array/gemini-2.5-flash",
            "flash-then-gpt": ["gemini/gemini-2.5-flash", f"openai/{GPT}"],
            "gpt-then-flash": [f"openai/{GPT}", "gemini/gemini-2.5-flash"],
            "three-then-claude": ["gemini/gemini-3-flash-preview", f"claude/{CLAUDE}"],
            "short": {"targets": [{"provider": "gemini", "model": "gemini-2.5-flash", "max_tokens": 4}]},
            "picky": {"targets": [f"claude/{CLAUDE}"], "drop_params": False},
        },
    )
    assert not google.faults + vertex.faults + array.faults


def ask(gate, model, text="hello there", *, streamed=False, framing="?alt=sse", version="v1beta", **more):
    verb = f"streamGenerateContent{framing}" if streamed else "generateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}
    return gate.http.post(f"/{version}/models/{model}:{verb}", json=body)


def pieces(answer):
    """The objects of a stream in either framing."""
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        return [json.loads(data) for _, data in sse(answer.content)]
    assert answer.headers["content-type"].startswith("application/json")
    return answer.json()


def parts(items):
    return [
        part
        for item in items
        for candidate in item.get("candidates", [])
        for part in candidate.get("content", {}).get("parts", [])
    ]


def text(items):
    return "".join(part.get("text", "") for part in parts(items) if not part.get("thought"))


def finish(items):
    return [c["finishReason"] for item in items for c in item.get("candidates", []) if "finishReason" in c]


# -- clients that speak Gemini ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["gpt", "claude", "flash", "cloud"])
def test_a_client_reads_answers_and_streams_in_both_framings(gate, model):
    whole = ask(gate, model, "long 9").json()
    expected = " ".join(f"w{n}" for n in range(1, 10))
    assert (text([whole]), finish([whole])) == (expected, ["STOP"])
    counts = whole["usageMetadata"]
    assert counts["candidatesTokenCount"] == 9
    assert counts["totalTokenCount"] == counts["promptTokenCount"] + 9
    for framing in ("?alt=sse", "", "?alt=json"):
        answer = ask(gate, model, "long 9", streamed=True, framing=framing)
        said = pieces(answer)
        assert answer.headers["content-type"].startswith("text/event-stream") == (framing == "?alt=sse")
        assert (text(said), finish(said)) == (expected, ["STOP"])
        assert said[-1]["usageMetadata"]["candidatesTokenCount"] == 9
        assert len(said) >= 9
        line = gate.audited(answer)
        assert line["usage"]["output"] == 9


@pytest.mark.parametrize("model", ["gpt", "claude", "flash", "three"])
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_of_a_client(gate, model, streamed):
    answer = ask(gate, model, "get_weather please", tools=[DECLARED], streamed=streamed)
    said = pieces(answer) if streamed else [answer.json()]
    calls = [part for part in parts(said) if "functionCall" in part]
    assert [(c["functionCall"]["name"], c["functionCall"]["args"]) for c in calls] == [("get_weather", {"city": "a city"})]
    assert finish(said) == ["STOP"]
    call = calls[0]["functionCall"]
    result = {"name": "get_weather", "response": {"result": "sunny"}} | ({"id": call["id"]} if "id" in call else {})
    contents = [
        {"role": "user", "parts": [{"text": "get_weather please"}]},
        {"role": "model", "parts": calls},
        {"role": "user", "parts": [{"functionResponse": result}]},
    ]
    final = gate.http.post(f"/v1beta/models/{model}:generateContent", json={"contents": contents, "tools": [DECLARED]})
    assert "sunny" in text([final.json()]), final.text


def test_thoughts_reach_a_client_and_come_back_to_their_maker(gate, world):
    config = {"thinkingConfig": {"thinkingBudget": 2048, "includeThoughts": True}, "maxOutputTokens": 9000}
    answer = ask(gate, "claude", "get_weather please", tools=[DECLARED], generationConfig=config).json()
    model_turn = answer["candidates"][0]["content"]
    assert model_turn["parts"][0]["thought"] is True
    # The official clients encode bytes in the other alphabet.
    proof = model_turn["parts"][0]["thoughtSignature"]
    model_turn["parts"][0]["thoughtSignature"] = proof.replace("+", "-").replace("/", "_")
    call = next(part["functionCall"] for part in model_turn["parts"] if "functionCall" in part)
    contents = [
        {"role": "user", "parts": [{"text": "get_weather please"}]},
        model_turn,
        {"role": "user", "parts": [{"functionResponse": {"id": call["id"], "name": "get_weather", "response": {"t": 1}}}]},
    ]
    body = {"contents": contents, "tools": [DECLARED], "generationConfig": config}
    final = gate.http.post("/v1beta/models/claude:generateContent", json=body)
    assert final.status_code == 200, final.text
    sent = world.claude.last.json["messages"][1]["content"]
    assert sent[0]["type"] == "thinking" and sent[0]["signature"]


def test_structured_output_of_a_client(gate):
    schema = {"type": "OBJECT", "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER", "nullable": True}}}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    for model in ("gpt", "claude", "flash"):
        answer = ask(gate, model, "a dog", generationConfig=config).json()
        assert json.loads(text([answer]))["name"], answer


def test_errors_are_googles(gate, world, google):
    unknown = ask(gate, "nobody")
    assert unknown.status_code == 404
    error = unknown.json()["error"]
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")
    world.openai.always(fail(429, retry_after="7"))
    limited = ask(gate, "gpt")
    assert (limited.status_code, limited.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert limited.headers["retry-after"] == "7"
    world.openai.clear()
    bad = gate.http.post("/v1beta/models/gpt:generateContent", json={"contents": [{"role": "system", "parts": []}]})
    assert (bad.status_code, bad.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "contents[0].role" in bad.json()["error"]["message"]
    broken = ask(gate, "flash", tools=[{"functionDeclarations": [{"name": "!"}]}])
    assert broken.status_code == 400 and broken.json()["error"]["status"] == "INVALID_ARGUMENT"
    picky = ask(gate, "picky", safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}])
    assert picky.status_code == 400 and "safetySettings" in picky.json()["error"]["message"]


@pytest.mark.parametrize("framing", ["?alt=sse", ""])
@pytest.mark.parametrize("model", ["gpt", "claude", "flash"])
def test_a_stream_that_fails_tells_the_client(gate, world, google, model, framing):
    sim = {"gpt": world.openai, "claude": world.claude, "flash": google}[model]
    sim.script(stream(error_event=3, between=0.05))
    said = pieces(ask(gate, model, "long 9", streamed=True, framing=framing))
    assert said[-1]["error"]["status"] in ("UNAVAILABLE", "INTERNAL"), said[-1]
    assert finish(said) == []


def test_keys_of_a_client(make_gateway, world, google):
    digest = hashlib.sha256(b"client-key").hexdigest()
    gate = make_gateway(
        env={"GOOGLE_TEST_KEY": KEY},
        keys=[{"id": "one", "sha256": digest}],
        providers={"gemini": {"base_url": google.base_url, "api_key_env": "GOOGLE_TEST_KEY"}},
        models={"flash": "gemini/gemini-2.5-flash"},
    )
    google.clear()
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    path = "/v1beta/models/flash:generateContent"
    assert gate.http.post(path, json=body).status_code == 401
    assert gate.http.post(path, json=body, headers={"x-goog-api-key": "client-key"}).status_code == 200
    assert gate.http.post(f"{path}?key=client-key", json=body).status_code == 200
    wrong = gate.http.post(f"{path}?key=other", json=body)
    assert (wrong.status_code, wrong.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert all("client-key" not in request.text() for request in google.requests)
    assert "client-key" not in json.dumps(gate.audit())
    assert not google.faults


def test_models(gate):
    listed = gate.http.get("/v1beta/models?pageSize=50").json()["models"]
    assert "models/flash" in [model["name"] for model in listed]
    assert gate.http.get("/v1beta/models/flash").json()["name"] == "models/flash"
    missing = gate.http.get("/v1beta/models/none")
    assert (missing.status_code, missing.json()["error"]["status"]) == (404, "NOT_FOUND")
    named = gate.http.get("/v1/models", headers={"x-goog-api-key": "unused"}).json()
    assert "models" in named


def test_paths_of_vertex(gate):
    path = "/v1beta1/projects/p/locations/global/publishers/google/models/gpt:generateContent"
    answer = gate.http.post(path, json={"contents": {"parts": {"text": "long 2"}}})
    assert text([answer.json()]) == "w1 w2"


# -- Gemini as a provider -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("model", ["flash", "cloud", "array"])
def test_chat_and_stream(gate, google, vertex, array, dialect, model):
    sim = {"flash": google, "cloud": vertex, "array": array}[model]
    seen = read(dialect, gate.ask(dialect, model, "long 9", max_tokens=99).json())
    assert seen.text == " ".join(f"w{n}" for n in range(1, 10))
    truth = sim.last.usage
    found = usage(dialect, seen.usage)
    assert (found["input"], found["output"]) == (truth["input"], truth["output"])
    more = {"stream_options": {"include_usage": True}} if dialect == OPENAI else {}
    answer = gate.ask(dialect, model, "long 9", max_tokens=99, stream=True, **more)
    streamed = read_stream(dialect, answer.content)
    assert (streamed.text, streamed.finish, streamed.done) == (seen.text, seen.finish, True)
    assert usage(dialect, streamed.usage)["output"] == 9
    assert "alt=sse" in sim.last.query
    assert gate.audited(answer)["usage"]["output"] == 9


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("model", ["flash", "three"])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_whole_tool_loop(gate, google, dialect, model, streamed):
    def said(answer):
        return read_stream(dialect, answer.content) if streamed else read(dialect, answer.json())

    more = {"tools": TOOLS[dialect], "max_tokens": 500, "stream": streamed}
    seen = said(gate.ask(dialect, model, "get_weather please", **more))
    [(call_id, name, arguments)] = seen.calls
    assert (name, arguments) == ("get_weather", {"city": "a city"})
    assert seen.finish == ("tool_calls" if dialect == OPENAI else "tool_use")
    if model == "three":
        assert "__thought__" in call_id
    if dialect == OPENAI:
        call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        history = [
            {"role": "user", "content": "get_weather please"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": "sunny"},
        ]
    else:
        use = {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
        history = [
            {"role": "user", "content": "get_weather please"},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": "sunny"}]},
        ]
    final = said(gate.ask(dialect, model, history, **more))
    assert final.text == "tools said: sunny", google.last.refused
    # The same conversation at another maker's model: the id stands alone.
    if dialect == OPENAI and model == "three":
        google.script(fail(503))
        moved = read(dialect, gate.ask(dialect, "three-then-claude", history, tools=TOOLS[dialect], max_tokens=99).json())
        assert moved.text == "tools said: sunny"


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("model", ["flash", "three"])
def test_thinking(gate, google, dialect, model):
    more = {"reasoning_effort": "low"} if dialect == OPENAI else {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    seen = read(dialect, gate.ask(dialect, model, "hello", max_tokens=4000, **more).json())
    assert seen.thought.startswith("The user said") and seen.text == "echo: hello"
    streamed = read_stream(dialect, gate.ask(dialect, model, "hello", max_tokens=4000, stream=True, **more).content)
    assert (streamed.thought, streamed.text) == (seen.thought, seen.text)
    thinking = google.last.json["generationConfig"]["thinkingConfig"]
    assert thinking["includeThoughts"] is True
    assert ("thinkingLevel" in thinking) == (model == "three")


def test_a_request_like_claude_codes(gate, google):
    """Beta headers, several system blocks with cache marks, many tools with hard schemas, thinking, count of tokens."""
    deep = {
        "type": "object",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "additionalProperties": False,
        "properties": {
            "todos": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "content": {"type": "string", "minLength": 1},
                        "status": {"type": "string", "enum": ["pending", "done"]},
                        "priority": {"type": ["integer", "null"], "exclusiveMinimum": 0},
                        "kind": {"const": "task"},
                    },
                    "required": ["content", "status"],
                    "additionalProperties": False,
                },
            },
            "url": {"type": "string", "format": "uri"},
        },
        "required": ["todos"],
    }
    tools = [{"name": f"Tool{n}", "description": f"Number {n}", "input_schema": deep} for n in range(12)]
    tools.append({"name": "Empty", "description": "nothing", "input_schema": {"type": "object", "properties": {}}})
    tools[-1]["cache_control"] = {"type": "ephemeral"}
    mark = {"cache_control": {"type": "ephemeral"}}
    body = {
        "model": "three",
        "max_tokens": 32000,
        "temperature": 1,
        "metadata": {"user_id": "user_1_account__session_2"},
        "system": [{"type": "text", "text": "You are Claude Code."}, {"type": "text", "text": "Rules."} | mark],
        "thinking": {"type": "enabled", "budget_tokens": 31999},
        "tools": tools,
        "stream": True,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "<system-reminder>x</system-reminder>"}, {"type": "text", "text": "Tool3 please"} | mark]},
        ],
    }
    headers = {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
        "x-api-key": "unused",
    }
    first = read_stream(ANTHROPIC, gate.http.post("/v1/messages?beta=true", json=body, headers=headers).content)
    assert first.error is None, google.last.refused
    [(call_id, name, arguments)] = first.calls
    assert name == "Tool3" and first.thought and arguments["todos"][0]["status"] == "pending"
    turn = [
        {"type": "thinking", "thinking": first.thought, "signature": first.signature},
        {"type": "tool_use", "id": call_id, "name": name, "input": arguments},
    ]
    result = {"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "text", "text": "done"}], "is_error": False}
    body["messages"] += [
        {"role": "assistant", "content": turn},
        {"role": "user", "content": [result | mark, {"type": "text", "text": "<system-reminder>y</system-reminder>"}]},
    ]
    final = gate.http.post("/v1/messages?beta=true", json=body, headers=headers)
    seen = read_stream(ANTHROPIC, final.content)
    assert seen.error is None and "tools said: done" in seen.text, google.last.refused
    sent = google.last.json
    assert sent["systemInstruction"]["parts"] == [{"text": "You are Claude Code."}, {"text": "Rules."}]
    assert sent["contents"][1]["parts"][0]["thoughtSignature"]


def test_structured_output_and_gemma(gate, google):
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "dog", "strict": True, "schema": schema}}
    answer = read(OPENAI, gate.chat("flash", "a dog", response_format=form).json())
    assert json.loads(answer.text) == {"age": 7}
    assert read(OPENAI, gate.chat("flash", "a dog", response_format={"type": "json_object"}).json()).text == '{"echo": "a dog"}'
    history = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
    assert read(OPENAI, gate.chat("gemma", history).json()).text == "echo: be brief\nhello"


def test_a_refused_prompt_is_an_answer(gate):
    seen = read(OPENAI, gate.chat("flash", "refuse this").json())
    assert (seen.text, seen.finish) == ("", "content_filter")
    streamed = read_stream(OPENAI, gate.chat("flash", "refuse this", stream=True).content)
    assert (streamed.finish, streamed.done) == ("content_filter", True)


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
def test_failures_of_the_provider(gate, google, world, dialect):
    google.always(fail(400))
    wrong = gate.ask(dialect, "flash", max_tokens=9)
    assert wrong.status_code == 400 and error_of(dialect, wrong.json())
    google.always(fail(429, retry_after="9"))
    limited = gate.ask(dialect, "flash", max_tokens=9)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "9")
    assert error_of(dialect, limited.json())["type"] == "rate_limit_error"
    google.clear()
    for behaviour in (fail(503), fail(500), stream_error(after=0), cut(0), raw(b"", "text/event-stream")):
        google.script(behaviour)
        answer = gate.ask(dialect, "flash-then-gpt", "long 3", stream=True, max_tokens=99)
        assert read_stream(dialect, answer.content).text == "w1 w2 w3"
        google.clear()
    world.openai.script(fail(503))
    assert read(dialect, gate.ask(dialect, "gpt-then-flash", "long 3", max_tokens=99).json()).text == "w1 w2 w3"


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
def test_a_stream_may_break(gate, google, dialect):
    for behaviour in (stream(error_event=3, between=0.05), stream(stop_after=3, how="end", between=0.05)):
        google.script(behaviour)
        seen = read_stream(dialect, gate.ask(dialect, "flash", "long 9", stream=True, max_tokens=99).content)
        assert seen.error and seen.finish is None and seen.text == "w1 w2 w3"


@pytest.mark.parametrize("pieces_of", [1, 7])
@pytest.mark.parametrize("model", ["flash", "array"])
def test_any_cut_is_the_same(gate, google, array, model, pieces_of):
    sim = google if model == "flash" else array
    sim.script(stream(pieces=pieces_of))
    seen = read_stream(OPENAI, gate.chat(model, "long 4", stream=True).content)
    assert (seen.text, seen.finish, seen.done) == ("w1 w2 w3 w4", "stop", True)


def test_a_targets_own_limit_is_put_in_place(gate, google):
    answer = ask(gate, "short", "long 9", generationConfig={"max_output_tokens": 50, "temperature": 0.5})
    assert finish([answer.json()]) == ["MAX_TOKENS"]
    assert google.last.json["generationConfig"] == {"maxOutputTokens": 4, "temperature": 0.5}
    assert read(OPENAI, gate.chat("short", "long 9").json()).finish == "length"
