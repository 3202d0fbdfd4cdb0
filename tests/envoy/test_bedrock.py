"""Bedrock's Converse, on both sides of a real Envoy."""

from __future__ import annotations

import json

import pytest

from support.sim import BedrockSim, cut, eventstream, fail, stream, stream_error
from support.world import CLAUDE, GPT

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ARN = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{SONNET}"
NOVA = "us.amazon.nova-2-lite-v1:0"
SECRET = "bedrock-api-key-f3a1b2c4d5e6"
SPEC = {
    "name": "get_weather",
    "description": "Weather of a city",
    "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
}
TOOLS = {"tools": [{"toolSpec": SPEC}]}
OPENAI_TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": SPEC["inputSchema"]["json"]},
}


@pytest.fixture(scope="module")
def bedrock():
    with BedrockSim(SECRET) as sim:
        yield sim


@pytest.fixture
def gate(make_gateway, world, bedrock):
    bedrock.clear()
    yield make_gateway(
        providers={"bedrock": {"base_url": bedrock.base_url, "api_key_env": "BEDROCK_TEST_KEY"}},
        models={
            "sonnet": f"bedrock/{SONNET}",
            "profile": f"bedrock/{ARN}",
            "nova": f"bedrock/{NOVA}",
            "llama": "bedrock/us.meta.llama4-maverick-17b-instruct-v1:0",
            "sonnet-then-gpt": [f"bedrock/{SONNET}", f"openai/{GPT}"],
            "gpt-then-sonnet": [f"openai/{GPT}", f"bedrock/{SONNET}"],
            "picky": {"targets": [f"claude/{CLAUDE}"], "drop_params": False},
            "picky-nova": {"targets": [f"bedrock/{NOVA}"], "drop_params": False},
        },
        env={"BEDROCK_TEST_KEY": SECRET},
    )
    assert not bedrock.faults


def user(text):
    return {"role": "user", "content": [{"text": text}]}


def converse(gate, model, text="hello there", streamed=False, **more):
    body = {"messages": [user(text)] if isinstance(text, str) else text, **more}
    return gate.http.post(f"/model/{model}/converse{'-stream' if streamed else ''}", json=body)


def events(answer):
    assert answer.headers["content-type"] == "application/vnd.amazon.eventstream"
    return [
        (headers.get(":event-type") or headers[":exception-type"], data)
        for headers, data in eventstream.read(answer.content)
    ]


def text_of(said):
    return "".join(data["delta"].get("text", "") for name, data in said if name == "contentBlockDelta")


# -- clients that speak Converse ------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["gpt", "claude", "sonnet", "nova", "profile"])
def test_a_client_is_answered_whole_and_streamed(gate, model):
    whole = converse(gate, model, "long 9").json()
    expected = " ".join(f"w{n}" for n in range(1, 10))
    assert whole["output"]["message"] == {"role": "assistant", "content": [{"text": expected}]}
    assert whole["stopReason"] == "end_turn" and whole["usage"]["outputTokens"] == 9
    assert whole["metrics"].keys() == {"latencyMs"}
    said = events(converse(gate, model, "long 9", streamed=True))
    assert text_of(said) == expected
    assert [said[0][0], *[name for name, _ in said[-3:]]] == [
        "messageStart",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert said[-1][1]["usage"]["totalTokens"] == whole["usage"]["totalTokens"]


@pytest.mark.parametrize("model", ["gpt", "claude", "sonnet"])
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_of_a_client(gate, model, streamed):
    answer = converse(gate, model, "get_weather please", streamed, toolConfig=TOOLS)
    if streamed:
        said = events(answer)
        start = next(data["start"]["toolUse"] for name, data in said if name == "contentBlockStart")
        pieces = [data["delta"]["toolUse"]["input"] for name, data in said if "toolUse" in data.get("delta", {})]
        call = start | {"input": json.loads("".join(pieces))}
        reason = next(data["stopReason"] for name, data in said if name == "messageStop")
    else:
        body = answer.json()
        [call] = [block["toolUse"] for block in body["output"]["message"]["content"] if "toolUse" in block]
        reason = body["stopReason"]
    assert (call["name"], call["input"], reason) == ("get_weather", {"city": "a city"}, "tool_use")
    history = [
        user("get_weather please"),
        {"role": "assistant", "content": [{"toolUse": call}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "sunny"}]}}]},
    ]
    final = converse(gate, model, history, toolConfig=TOOLS).json()
    assert final["output"]["message"]["content"] == [{"text": "tools said: sunny"}]


@pytest.mark.parametrize("model", ["claude", "sonnet"])
@pytest.mark.parametrize("streamed", [False, True])
def test_thinking_of_a_client_comes_back_with_its_proof(gate, model, streamed):
    more = {
        "inferenceConfig": {"maxTokens": 3000},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    }
    answer = converse(gate, model, "hm", streamed, **more)
    if streamed:
        deltas = [data["delta"]["reasoningContent"] for _, data in events(answer) if "reasoningContent" in data.get("delta", {})]
        said = {
            "text": "".join(delta.get("text", "") for delta in deltas),
            "signature": "".join(delta.get("signature", "") for delta in deltas),
        }
    else:
        said = answer.json()["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]
    assert said["text"] and said["signature"]
    history = [user("hm"), {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": said}}, {"text": "x"}]}, user("go on")]
    assert converse(gate, model, history, **more).status_code == 200


def test_its_own_words_pass_as_they_are(gate, bedrock):
    body = b'{ "messages":[{"role":"user","content":[{"text":"h\\u00e9"}]}],"inferenceConfig" : {"maxTokens":9},"requestMetadata":{"a":"b"}}'
    answer = gate.http.post("/model/sonnet/converse", content=body, headers={"content-type": "application/json"})
    assert answer.json()["output"]["message"]["content"] == [{"text": "echo: hé"}]
    assert bedrock.last.body == body
    streamed = converse(gate, "sonnet", "long 5", streamed=True)
    assert streamed.content == bytes(bedrock.last.sent)


def test_what_other_dialects_cannot_say_is_told(gate):
    guard = {"guardrailIdentifier": "g", "guardrailVersion": "1"}
    assert "guardrailConfig" in converse(gate, "claude", guardrailConfig=guard).headers["x-tollgate-warnings"]
    refused = converse(gate, "picky", guardrailConfig=guard)
    assert refused.status_code == 400 and "guardrailConfig" in refused.json()["message"]
    assert refused.headers["x-amzn-errortype"] == "ValidationException"


def test_errors_are_awss(gate, world, bedrock):
    unknown = converse(gate, "nobody")
    assert unknown.status_code == 404 and unknown.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert unknown.json()["__type"] == "ResourceNotFoundException"
    world.openai.script(fail(429, retry_after="7"))
    busy = converse(gate, "gpt")
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")
    assert busy.headers["x-amzn-errortype"] == "ThrottlingException"
    wrong = gate.http.get("/model/gpt/converse")
    assert wrong.status_code == 405 and wrong.json()["message"]
    blank = converse(gate, "sonnet", " ")
    assert blank.status_code == 400 and "is blank" in blank.json()["message"]
    assert blank.headers["x-amzn-errortype"].startswith("ValidationException")
    broken, torn = stream_error(after=2, kind="rate"), cut(3, "end")
    broken.between = torn.between = 0.05
    world.claude.script(broken)
    said = events(converse(gate, "claude", "long 9", streamed=True))
    assert said[-1][0] == "throttlingException" and "messageStop" not in [name for name, _ in said]
    world.openai.script(torn)
    said = events(converse(gate, "gpt", "long 9", streamed=True))
    assert said[-1][0] == "internalServerException"


# -- clients that speak other dialects -------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic"])
@pytest.mark.parametrize("model", ["sonnet", "nova", "llama", "profile"])
def test_others_are_answered(gate, bedrock, dialect, model):
    answer = gate.ask(dialect, model, "good morning")
    assert answer.status_code == 200 and "echo: good morning" in answer.text
    streamed = gate.ask(dialect, model, "long 9", stream=True)
    assert streamed.headers["content-type"].startswith("text/event-stream") and "w9" in streamed.text
    assert bedrock.last.path.endswith("/converse-stream") and bedrock.last.header("accept").endswith("eventstream")
    line = gate.audited(streamed)
    assert (line["usage"]["output"], line["usage_status"]) == (9, "complete")


@pytest.mark.parametrize("model", ["nova", "llama"])
def test_thoughts_go_back_to_those_who_take_them(gate, bedrock, model):
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2lnbmVk"}
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "hello"}]},
        {"role": "user", "content": "go on"},
    ]
    answer = gate.messages(model, history)
    assert answer.status_code == 200, answer.text
    assert bedrock.last.json["messages"][1]["content"] == [{"text": "hello"}]
    assert "reasoning dropped: this model takes none back" in answer.headers["x-tollgate-warnings"]


def test_arns_are_encoded(gate, bedrock):
    gate.chat("profile")
    assert bedrock.last.target == (
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2F"
        "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    )


@pytest.mark.parametrize("model", ["sonnet", "nova"])
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_of_others(gate, bedrock, model, streamed):
    answer = gate.chat(model, "get_weather please", tools=[OPENAI_TOOL], tool_choice="required", stream=streamed)
    assert "get_weather" in answer.text and "tool_calls" in answer.text
    assert bedrock.last.json["toolConfig"]["toolChoice"] == {"any": {}}
    if streamed:
        return
    message = answer.json()["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sunny"}
    history = [{"role": "user", "content": "get_weather please"}, message, result]
    final = gate.chat(model, history)
    assert final.json()["choices"][0]["message"]["content"] == "tools said: sunny"
    # No tools were offered; Bedrock wants those that were used.
    assert bedrock.last.json["toolConfig"]["tools"][0]["toolSpec"]["name"] == "get_weather"


def test_claude_code_reaches_bedrock(gate, bedrock):
    cached = {"cache_control": {"type": "ephemeral"}}
    answer = gate.messages(
        "sonnet",
        [{"role": "user", "content": [{"type": "text", "text": "hm", **cached}]}],
        system=[{"type": "text", "text": "You are a helper.", **cached}],
        max_tokens=4000,
        thinking={"type": "enabled", "budget_tokens": 2000},
        tools=[{"name": "get_weather", "input_schema": SPEC["inputSchema"]["json"], **cached}],
        metadata={"user_id": "user_1_account__session_2"},
    ).json()
    assert answer["content"][0]["type"] == "thinking" and answer["content"][0]["signature"]
    sent = bedrock.last.json
    point = {"cachePoint": {"type": "default"}}
    assert sent["system"][1] == sent["toolConfig"]["tools"][1] == sent["messages"][0]["content"][1] == point
    assert sent["requestMetadata"] == {"user": "user_1_account__session_2"}
    truth = bedrock.last.usage
    assert answer["usage"]["cache_creation_input_tokens"] == truth["cache_write"]
    assert answer["usage"]["cache_read_input_tokens"] == truth["cache_read"]
    history = [
        {"role": "user", "content": "hm"},
        {"role": "assistant", "content": answer["content"]},
        {"role": "user", "content": "go on"},
    ]
    again = gate.messages("sonnet", history, max_tokens=4000, thinking={"type": "enabled", "budget_tokens": 2000})
    assert again.status_code == 200


@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_search_of_the_clients_found_is_cited(gate, bedrock, streamed):
    found = {"type": "search_result", "source": "https://a.example", "title": "A", "citations": {"enabled": True}}
    found["content"] = [{"type": "text", "text": "the sky is blue"}]
    said = [{"role": "user", "content": [found, {"type": "text", "text": "What colour?"}]}]
    answer = gate.messages("sonnet", said, stream=streamed)
    assert "searchResult" in bedrock.last.json["messages"][0]["content"][0]
    place = {"cited_text": "the sky is blue", "search_result_index": 0, "start_block_index": 0, "end_block_index": 1}
    wanted = {"type": "search_result_location", "source": "https://a.example", "title": "A", **place}
    if streamed:
        events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
        told = [event["delta"]["citation"] for event in events if event.get("delta", {}).get("type") == "citations_delta"]
    else:
        told = answer.json()["content"][0]["citations"]
    assert told == [wanted]
    # Other models are told it as text.
    assert gate.messages("nova", said).status_code == 200
    assert bedrock.last.json["messages"][0]["content"][0] == {"text": "A\nhttps://a.example\nthe sky is blue"}


def test_structured_output(gate, bedrock):
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": schema}}
    for model in ("sonnet", "nova"):
        answer = gate.chat(model, "a dog", response_format=form).json()["choices"][0]
        assert json.loads(answer["message"]["content"]) == {"name": "a name"} and answer["finish_reason"] == "stop"
    assert bedrock.last.json["toolConfig"]["toolChoice"] == {"tool": {"name": "json_tool_call"}}


def test_a_loss_is_refused_where_it_must_not_be(gate):
    refused = gate.chat("picky-nova", seed=3)
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "seed"


# -- what goes wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [424, 429, 500, 503])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_failing_bedrock_is_left(gate, world, bedrock, status, streamed):
    bedrock.script(fail(status))
    answer = gate.chat("sonnet-then-gpt", "long 3", stream=streamed)
    assert answer.status_code == 200 and "w3" in answer.text
    assert (len(bedrock.requests), len(world.openai.requests)) == (1, 1)
    assert world.openai.last.header("x-amz-date") is None


def test_an_exception_before_any_content_is_left_too(gate, world, bedrock):
    bedrock.script(stream_error(after=0, kind="rate"))
    answer = converse(gate, "sonnet-then-gpt", "long 3", streamed=True)
    assert text_of(events(answer)) == "w1 w2 w3" and len(world.openai.requests) == 1
    world.openai.script(fail(500))
    assert text_of(events(converse(gate, "gpt-then-sonnet", "long 3", streamed=True))) == "w1 w2 w3"


def test_an_exception_in_mid_stream_is_told(gate, bedrock):
    broken, torn = stream_error(after=2, kind="api"), cut(2, "end")
    broken.between = torn.between = 0.05
    bedrock.script(broken, torn)
    answer = gate.messages("sonnet", "long 9", stream=True)
    assert "event: error" in answer.text and "message_stop" not in answer.text
    torn_off = gate.chat("sonnet", "long 9", stream=True)
    assert '"error"' in torn_off.text and "[DONE]" not in torn_off.text


def test_errors_in_the_clients_words(gate, bedrock):
    bedrock.script(fail(400), fail(403), fail(429, retry_after="3"))
    wrong = gate.chat("sonnet")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (400, "invalid_request_error")
    barred = gate.messages("sonnet")
    assert (barred.status_code, barred.json()["error"]["type"]) == (403, "permission_error")
    busy = gate.messages("sonnet")
    assert (busy.json()["error"]["type"], busy.headers["retry-after"]) == ("rate_limit_error", "3")


@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_frames_cut_anywhere(gate, bedrock, pieces):
    bedrock.script(stream(pieces=pieces))
    assert "w9" in gate.chat("sonnet", "long 9", stream=True).text
    bedrock.script(stream(pieces=pieces))
    assert text_of(events(converse(gate, "sonnet", "long 9", streamed=True))).endswith("w9")
