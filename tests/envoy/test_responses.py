"""OpenAI's Responses on both sides of a real Envoy."""

from __future__ import annotations

import json

import httpx
import pytest
from support.sim import OpenAIResponsesSim, cut, empty, fail, malformed, stream, stream_error, truncated
from support.world import CLAUDE, GPT, SECRETS

WORDS = " ".join(f"w{n}" for n in range(1, 31))


@pytest.fixture(scope="module")
def own():
    with OpenAIResponsesSim(SECRETS["OPENAI_TEST_KEY"]) as sim:
        yield sim


@pytest.fixture
def gate(make_gateway, world, own):
    own.clear()
    yield make_gateway(
        providers={"own": {"base_url": own.base_url, "dialect": "openai_responses", "api_key_env": "OPENAI_TEST_KEY"}},
        models={
            "own": "own/gpt-4o",
            "own-then-gpt": ["own/gpt-4o", f"openai/{GPT}"],
            "own-then-claude": ["own/gpt-4o", f"claude/{CLAUDE}"],
            "gpt-then-own": [f"openai/{GPT}", "own/gpt-4o"],
            "limited": {"targets": [{"provider": "own", "model": "gpt-4o", "max_tokens": 20}]},
            "picky": {"targets": [f"claude/{CLAUDE}"], "drop_params": False},
        },
    )
    assert not own.faults


def ask(gate, model, said="hello there", **more):
    return gate.http.post("/v1/responses", json={"model": model, "input": said, **more})


def events(answer):
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]


def text_of(answer):
    return "".join(part["text"] for item in answer.json()["output"] for part in item.get("content", []))


def spoken(found):
    return "".join(event["delta"] for event in found if event["type"] == "response.output_text.delta")


def test_between_equals_no_byte_changes_but_the_model(gate, own):
    body = (
        b'{ "input": [{"role":"user","content":"hi \\u00e9"}], "model" : "own", "store":true,\n'
        b'"metadata":{"a":"b"}, "truncation":"auto", "max_output_tokens": 16 }'
    )
    headers = {"content-type": "application/json"}
    answer = gate.http.post("/v1/responses", content=body, headers=headers)
    assert own.last.body == body.replace(b'"own"', b'"gpt-4o"')
    assert answer.content == bytes(own.last.sent)
    assert own.last.header("accept-encoding") is None and own.last.header("accept") == "application/json"
    body = body[:1] + b'"stream": true,' + body[1:]
    answer = gate.http.post("/v1/responses", content=body, headers=headers)
    assert answer.content == bytes(own.last.sent)
    assert own.last.header("accept") == "text/event-stream"
    line = gate.audited(answer)
    assert (line["usage"]["input"], line["usage"]["output"]) == (own.last.usage["input"], own.last.usage["output"])
    assert line["usage_status"] == "complete"


def test_the_target_s_limit(gate, own):
    answer = ask(gate, "limited", "long 30", max_output_tokens=100)
    assert own.last.json["max_output_tokens"] == 20
    assert answer.json()["incomplete_details"] == {"reason": "max_output_tokens"}


@pytest.mark.parametrize("model", ["gpt", "claude", "own"])
@pytest.mark.parametrize("pieces", [1, 3, 50])
def test_pieces_of_any_size(gate, world, own, model, pieces):
    sim = {"gpt": world.openai, "claude": world.claude, "own": own}[model]
    behaviour = stream()
    behaviour.pieces = pieces
    sim.script(behaviour)
    found = events(ask(gate, model, "long 30", stream=True))
    assert spoken(found) == WORDS and found[-1]["type"] == "response.completed"


@pytest.mark.parametrize("model", ["own-then-gpt", "own-then-claude", "gpt-then-own"])
@pytest.mark.parametrize(
    ("streamed", "failure"),
    [(streamed, made) for streamed in (False, True) for made in (fail(429, "60"), fail(500), empty(), malformed())]
    + [(True, cut(0, "reset")), (True, stream_error(0))],
)
def test_the_next_provider_answers_in_its_own_dialect(gate, world, own, model, streamed, failure):
    (own if model.startswith("own") else world.openai).script(failure)
    answer = ask(gate, model, "long 5", stream=streamed)
    assert answer.status_code == 200, answer.text
    said = spoken(events(answer)) if streamed else text_of(answer)
    assert said == "w1 w2 w3 w4 w5"
    assert answer.headers["x-tollgate-attempts"] == "2"


@pytest.mark.parametrize("model", ["gpt", "claude", "own"])
@pytest.mark.parametrize("failure", [stream_error(6), cut(6, "end")], ids=["error", "end"])
def test_a_stream_that_fails_is_no_finish(gate, world, own, model, failure):
    failure.between = 0.02
    {"gpt": world.openai, "claude": world.claude, "own": own}[model].script(failure)
    found = events(ask(gate, model, "long 30", stream=True))
    kinds = [event["type"] for event in found]
    assert kinds[-1] == "error" and found[-1]["message"], kinds
    assert "response.completed" not in kinds and "w2" in spoken(found)


@pytest.mark.parametrize("model", ["gpt", "claude", "own"])
def test_a_connection_that_breaks_is_no_finish(gate, world, own, model):
    failure = cut(6, "reset")
    failure.between = 0.02
    {"gpt": world.openai, "claude": world.claude, "own": own}[model].script(failure)
    got = b""
    body = {"model": model, "input": "long 30", "stream": True}
    with pytest.raises(httpx.HTTPError), httpx.stream("POST", gate.url + "/v1/responses", json=body) as answer:
        for piece in answer.iter_raw():
            got += piece
    assert b"w2" in got and b"response.completed" not in got


@pytest.mark.parametrize("client", ["openai_chat", "anthropic"])
@pytest.mark.parametrize("failure", [stream_error(6), cut(6, "end")], ids=["error", "end"])
def test_its_failures_reach_clients_of_others(gate, own, client, failure):
    failure.between = 0.02
    own.script(failure)
    answer = gate.ask(client, "own", "long 30", stream=True)
    assert "w2" in answer.text and "error" in answer.text
    assert "[DONE]" not in answer.text and "message_stop" not in answer.text


def test_a_truncated_answer_is_none(gate, own):
    own.script(truncated(40))
    assert ask(gate, "own-then-gpt").headers["x-tollgate-attempts"] == "2"


def test_losses(gate, world):
    tools = [
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}},
    ]
    answer = ask(gate, "claude", tools=tools, truncation="auto")
    warned = answer.headers["x-tollgate-warnings"]
    assert "tools[0]" in warned and "truncation" in warned
    assert [tool["name"] for tool in world.claude.last.json["tools"]] == ["f"]
    # The answer repeats what was asked for, whoever answered.
    assert answer.json()["tools"] == tools
    refused = ask(gate, "picky", tools=tools)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools[0]")
    fine = ask(gate, "picky", store=True, include=["reasoning.encrypted_content"], prompt_cache_key="k", user="u")
    assert fine.status_code == 200 and fine.json()["store"] is False
    assert "x-tollgate-warnings" not in fine.headers


def test_errors_in_the_envelope_of_openai(gate, world):
    unknown = ask(gate, "nobody")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    world.claude.script(fail(429, "7"))
    busy = ask(gate, "claude")
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")
    assert busy.json()["error"]["type"] == "rate_limit_error"
    wrong = ask(gate, "gpt", [{"role": "user", "content": [{"type": "input_text"}]}])
    assert wrong.json()["error"]["param"] == "input[0].content[0].text"
    assert gate.http.get("/v1/responses").status_code == 405


def test_what_is_generated_is_counted_once(gate, own, world):
    for model, sim in (("gpt", world.openai), ("claude", world.claude)):
        line = gate.audited(ask(gate, model, "long 9", stream=True))
        assert (line["usage"]["input"], line["usage"]["output"]) == (sim.last.usage["input"], 9)
        assert line["client_dialect"] == "openai_responses"


def test_structured_output_of_older_claudes(gate, world):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "name": "dog", "schema": schema, "strict": True}
    for streamed in (False, True):
        answer = ask(gate, "old-claude", "a dog", text={"format": form}, stream=streamed)
        said = spoken(events(answer)) if streamed else text_of(answer)
        assert json.loads(said) == {"name": "a name"}
    assert world.claude.last.json["tool_choice"]["type"] == "tool"
