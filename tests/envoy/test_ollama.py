"""Ollama's own dialect, on both sides of a real Envoy."""

from __future__ import annotations

import json

import pytest

from support.sim import OllamaSim, cut, fail, stream, stream_error
from support.world import CLAUDE, GPT

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def llama():
    with OllamaSim() as sim:
        yield sim


@pytest.fixture
def gate(make_gateway, world, llama):
    llama.clear()
    yield make_gateway(
        providers={"ollama": {"base_url": llama.base_url}},
        models={
            "llama": "ollama/llama3.2",
            "llama-then-gpt": ["ollama/llama3.2", f"openai/{GPT}"],
            "gpt-then-llama": [f"openai/{GPT}", "ollama/llama3.2"],
            "picky": {"targets": [f"claude/{CLAUDE}"], "drop_params": False},
        },
    )
    assert not llama.faults


def ask(gate, model, text="hello there", **more):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return gate.http.post("/api/chat", json=body)


def lines(answer):
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.split("\n") if line]


@pytest.mark.parametrize("model", ["gpt", "claude", "llama"])
def test_a_client_gets_lines_unless_it_says_otherwise(gate, model):
    said = lines(ask(gate, model, "long 9"))
    assert "".join(line["message"]["content"] for line in said) == " ".join(f"w{n}" for n in range(1, 10))
    assert [line["done"] for line in said] == [False] * (len(said) - 1) + [True]
    assert said[-1]["done_reason"] == "stop" and said[-1]["eval_count"] == 9
    whole = ask(gate, model, "long 9", stream=False)
    assert whole.headers["content-type"].startswith("application/json")
    body = whole.json()
    assert body["message"]["content"].endswith("w9") and body["done"] is True
    assert (body["prompt_eval_count"], body["eval_count"]) == (said[-1]["prompt_eval_count"], 9)


@pytest.mark.parametrize("model", ["gpt", "claude", "llama"])
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_of_a_client(gate, model, streamed):
    answer = ask(gate, model, "get_weather please", tools=[TOOL], stream=streamed)
    said = lines(answer) if streamed else [answer.json()]
    calls = [call for line in said for call in line["message"].get("tool_calls", [])]
    assert [call["function"] for call in calls] == [{"name": "get_weather", "arguments": {"city": "a city"}}]
    history = [
        {"role": "user", "content": "get_weather please"},
        {"role": "assistant", "content": "", "tool_calls": [{"function": calls[0]["function"]}]},
        {"role": "tool", "tool_name": "get_weather", "content": "sunny"},
    ]
    final = gate.http.post("/api/chat", json={"model": model, "messages": history, "tools": [TOOL], "stream": False})
    assert final.json()["message"]["content"] == "tools said: sunny"


@pytest.mark.parametrize("model", ["gpt", "claude", "llama"])
def test_generate(gate, llama, model):
    body = {"model": model, "prompt": "good day", "system": "Be kind.", "stream": False}
    assert gate.http.post("/api/generate", json=body).json()["response"] == "echo: good day"
    streamed = gate.http.post("/api/generate", json=body | {"stream": True})
    assert "".join(line["response"] for line in lines(streamed)) == "echo: good day"
    if model == "llama":
        assert llama.last.path == "/api/generate"


def test_options_format_and_thinking_reach_others(gate, world):
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    options = {"temperature": 0.5, "stop": ["w4"], "num_predict": 50, "num_ctx": 4096}
    answer = ask(gate, "gpt", "a dog", stream=False, format=schema, options=options)
    assert json.loads(answer.json()["message"]["content"]) == {"name": "a name"}
    sent = world.openai.last.json
    assert (sent["temperature"], sent["stop"]) == (0.5, ["w4"])
    assert "options.num_ctx" in answer.headers["x-tollgate-warnings"]
    thought = ask(gate, "claude", "hm", think=True, options={"num_predict": 3000})
    assert "".join(line["message"].get("thinking", "") for line in lines(thought))
    assert world.claude.last.json["thinking"]["type"] == "enabled"


def test_a_loss_is_refused_where_it_must_not_be(gate):
    answer = ask(gate, "picky", options={"num_ctx": 4096}, stream=False)
    assert answer.status_code == 400 and "options.num_ctx" in answer.json()["error"]


def test_errors_are_sentences(gate, world):
    unknown = ask(gate, "nobody")
    assert unknown.status_code == 404 and isinstance(unknown.json()["error"], str)
    world.claude.script(stream(error_event=2, between=0.05), fail(529))
    said = lines(ask(gate, "claude", "long 9"))
    assert "error" in said[-1] and not any(line.get("done") for line in said)
    busy = ask(gate, "claude")
    assert busy.status_code == 529 and "verload" in busy.json()["error"]
    wrong = gate.http.get("/api/chat")
    assert wrong.status_code == 405 and isinstance(wrong.json()["error"], str)


@pytest.mark.parametrize("model", ["claude", "gpt-then-claude", "llama"])
@pytest.mark.parametrize(
    ("path", "nothing"), [("generate", {"prompt": ""}), ("generate", {}), ("chat", {"messages": []}), ("chat", {})]
)
def test_loading_a_model_is_no_question(gate, world, llama, model, path, nothing):
    answer = gate.http.post(f"/api/{path}", json={"model": model, **nothing})
    assert answer.status_code == 200, answer.text
    loaded = answer.json()
    # A server's answer is one object although a stream was asked for, and comes as a stream, which has no such word.
    assert (loaded["done"], loaded["done_reason"]) == (True, "stop" if model == "llama" else "load")
    assert (loaded["response"] if path == "generate" else loaded["message"]["content"]) == ""
    freed = gate.http.post(f"/api/{path}", json={"model": model, "keep_alive": 0, "stream": False, **nothing})
    assert freed.json()["done_reason"] == "unload"
    # Only a server of Ollama's has anything to load.
    assert len(llama.requests) == (2 if model == "llama" else 0)
    assert not world.claude.requests and not world.openai.requests
    assert gate.http.post(f"/api/{path}", json={"model": "nobody", **nothing}).status_code == 404


def test_models_and_version(gate):
    tags = gate.http.get("/api/tags").json()["models"]
    assert {"gpt", "claude", "llama"} <= {model["name"] for model in tags}
    assert gate.http.get("/api/version").json()["version"]
    assert "tools" in gate.http.post("/api/show", json={"model": "gpt"}).json()["capabilities"]
    # Ollama's clients append the default tag to names without one.
    assert gate.http.post("/api/show", json={"model": "gpt:latest"}).status_code == 200
    said = gate.http.post("/api/chat", json={"model": "claude:latest", "messages": [{"role": "user", "content": "hi"}]})
    assert said.status_code == 200 and gate.audited(said)["model_asked"] == "claude:latest"
    missing = gate.http.post("/api/show", json={"model": "nobody"})
    assert missing.status_code == 404 and isinstance(missing.json()["error"], str)


@pytest.mark.parametrize("streamed", [False, True])
def test_who_speaks_no_openai_is_served_in_the_native_dialect(gate, llama, streamed):
    answer = gate.messages("llama", "long 9", stream=streamed)
    assert answer.status_code == 200 and "w9" in answer.text
    assert llama.last.path == "/api/chat"


def test_who_speaks_openai_gets_the_servers_openai_endpoint(gate, llama):
    # This simulator has none: what matters is where it was asked.
    gate.chat("llama")
    assert llama.last.path == "/v1/chat/completions"


@pytest.fixture
def native(make_gateway, world, llama):
    llama.clear()
    yield make_gateway(
        providers={"ollama": {"base_url": llama.base_url, "dialect": "ollama"}},
        models={
            "llama": "ollama/llama3.2",
            "llama-then-gpt": ["ollama/llama3.2", f"openai/{GPT}"],
            "oss": "ollama/gpt-oss:20b",
        },
    )
    assert not llama.faults


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("pieces", [None, 7])
def test_native_tools_for_openai_clients(native, llama, streamed, pieces):
    llama.always(stream(pieces=pieces))
    answer = native.chat("llama", "every tool get_weather", tools=[TOOL], stream=streamed)
    if streamed:
        chunks = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        calls = [call for choice in choices for call in choice["delta"].get("tool_calls", [])]
        arguments = "".join(call["function"].get("arguments", "") for call in calls)
        reason = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
    else:
        choice = answer.json()["choices"][0]
        calls, reason = choice["message"]["tool_calls"], [choice["finish_reason"]]
        arguments = calls[0]["function"]["arguments"]
    assert calls[0]["id"].startswith("call_") and json.loads(arguments) == {"city": "a city"}
    assert reason == ["tool_calls"]
    if pieces is None:
        assert answer.status_code == 200 and llama.last.header("accept").startswith("application/")


def test_native_thinking(native, llama):
    answer = native.chat("oss", "hm", reasoning_effort="high")
    assert llama.last.json["think"] == "high"
    assert answer.json()["choices"][0]["message"]["reasoning_content"]
    answer = native.messages("llama", "hm", thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=4000)
    assert llama.last.json["think"] is True
    assert [block["type"] for block in answer.json()["content"]] == ["thinking", "text"]


@pytest.mark.parametrize("client", ["openai_chat", "anthropic"])
def test_native_failures(native, llama, client):
    llama.always(fail(503))
    assert native.ask(client, "llama").status_code == 503
    llama.always(stream(error_event=2, between=0.05))
    broken = native.ask(client, "llama", "long 9", stream=True)
    assert "unexpected EOF" in broken.text and "[DONE]" not in broken.text
    llama.always(stream(stop_after=2, how="end", between=0.05))
    assert "broke off" in native.ask(client, "llama", "long 9", stream=True).text


@pytest.mark.parametrize("behaviour", [fail(500), fail(429, "1"), stream_error(after=0), cut(0, "end")])
def test_fallback_from_a_native_provider(native, llama, behaviour):
    llama.always(behaviour)
    answer = native.messages("llama-then-gpt", "good day", stream=True)
    assert answer.status_code == 200 and "good" in answer.text
    assert answer.headers["x-tollgate-provider"] == "openai"


def test_usage_of_native_answers(native, llama):
    answer = native.chat("llama", "one two three")
    audited = native.audited(answer)
    truth = llama.last.usage
    assert (audited["usage"]["input"], audited["usage"]["output"]) == (truth["input"], truth["output"])
