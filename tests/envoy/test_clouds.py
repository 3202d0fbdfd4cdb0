"""Requests signed by Envoy, and Anthropic's dialect in the carriages of Bedrock and Vertex AI, in a real Envoy."""

from __future__ import annotations

import base64
import hashlib

import pytest

from support.sim import AnthropicOnVertexSim, BedrockSim, OllamaSim, eventstream, fail, hang, stream, stream_error
from support.world import CLAUDE, GPT

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ARN = f"arn:aws:bedrock:eu-central-1:123456789012:inference-profile/{SONNET}"
ACCESS, SECRET = "AKIAEXAMPLE", "example/secret+key"
KEY = "bedrock-api-key-0d6be69b264717f2"
TOKEN = "ya29.vertex-0b4e7a0e5fe84ad35fb5f95b9ceeac79"
VERTEX = "/v1/projects/p/locations/us-east5/publishers/anthropic/models"


@pytest.fixture(scope="module")
def signed():
    with BedrockSim("nobody-has-this-key", access=ACCESS, secret=SECRET, region="eu-central-1") as sim:
        yield sim


@pytest.fixture(scope="module")
def invoked():
    with BedrockSim(KEY) as sim:
        yield sim


@pytest.fixture(scope="module")
def vertex():
    with AnthropicOnVertexSim(TOKEN) as sim:
        yield sim


@pytest.fixture(scope="module")
def llama():
    with OllamaSim() as sim:
        yield sim


@pytest.fixture
def gate(make_gateway, world, signed, invoked, vertex, llama):
    sims = (signed, invoked, vertex, llama)
    for sim in sims:
        sim.clear()
    bedrock = {"preset": "bedrock", "base_url": signed.base_url, "auth": "aws"}
    invoke = {"preset": "bedrock_anthropic", "base_url": invoked.base_url, "api_key_env": "INVOKE_TEST_KEY"}
    google = {"preset": "vertex_anthropic", "base_url": vertex.base_url, "api_key_env": "VERTEX_TEST_TOKEN"}
    yield make_gateway(
        providers={
            "signed": bedrock | {"region": "eu-central-1"},
            "elsewhere": bedrock | {"region": "us-west-2"},
            "invoke": invoke,
            "invoke-betas": invoke | {"forward_headers": ["anthropic-beta"]},
            "vertex": google | {"forward_headers": ["anthropic-beta"]},
            "open": {"preset": "ollama", "base_url": llama.base_url, "dialect": "ollama"},
        },
        models={
            "signed": f"signed/{SONNET}",
            "arn": f"signed/{ARN}",
            "elsewhere": f"elsewhere/{SONNET}",
            "signed-then-open": [f"signed/{SONNET}", "open/llama3.2"],
            "signed-then-gpt": [f"signed/{SONNET}", f"openai/{GPT}"],
            "signed-then-claude": [f"signed/{SONNET}", f"claude/{CLAUDE}"],
            "twice": {"targets": [f"signed/{SONNET}"], "retries": 2},
            "soon-or-gpt": [{"provider": "signed", "model": SONNET, "timeout": "500ms"}, f"openai/{GPT}"],
            "invoke": f"invoke/{SONNET}",
            "invoke-betas": f"invoke-betas/{SONNET}",
            "vertex": "vertex/claude-sonnet-4-5@20250929",
        },
        env={
            "INVOKE_TEST_KEY": KEY,
            "VERTEX_TEST_TOKEN": TOKEN,
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        },
    )
    assert not [fault for sim in sims for fault in sim.faults]


# -- signatures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["signed", "arn"])
@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic"])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_translated_request_is_signed(gate, signed, model, dialect, streamed):
    answer = gate.ask(dialect, model, "good mörning", stream=streamed)
    assert answer.status_code == 200 and "good" in answer.text, answer.text
    sent = signed.last
    assert sent.header("authorization").startswith(f"AWS4-HMAC-SHA256 Credential={ACCESS}/")
    assert sent.header("x-amz-content-sha256") == hashlib.sha256(sent.body).hexdigest()


def test_a_large_body_is_signed_whole(gate, signed):
    assert gate.chat("signed", "w " * 300_000).status_code == 200
    assert len(signed.last.body) > 600_000


def test_a_signature_for_another_region_is_refused(gate):
    answer = gate.messages("elsewhere")
    assert answer.status_code == 403 and "valid region" in answer.json()["error"]["message"]


@pytest.mark.parametrize("model", ["signed-then-open", "signed-then-gpt", "signed-then-claude"])
def test_a_signature_is_for_nobody_else(gate, world, signed, llama, model):
    signed.script(fail(500))
    assert gate.chat(model).status_code == 200
    last = {"open": llama, "gpt": world.openai, "claude": world.claude}[model.rpartition("-")[2]].last
    assert not [name for name, _ in last.headers if name.startswith("x-amz-")]
    assert "AWS4" not in last.text() and (model != "signed-then-open" or last.header("authorization") is None)


def test_every_try_is_signed_anew(gate, signed):
    signed.script(fail(500), fail(503))
    assert gate.chat("twice").status_code == 200
    assert len(signed.requests) == 3 and all(request.refused is None for request in signed.requests)
    assert len({request.header("authorization") is None for request in signed.requests}) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_signature_holds_on_the_way_by_a_time_limit(gate, world, signed, streamed):
    answer = gate.chat("soon-or-gpt", "good mörning", stream=streamed)
    assert answer.status_code == 200 and "good" in answer.text, answer.text
    assert signed.last.refused is None and not world.openai.requests
    signed.script(hang())
    assert gate.chat("soon-or-gpt", stream=streamed).status_code == 200
    assert "AWS4" not in world.openai.last.text()


# -- carriages: providers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["invoke", "vertex"])
@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic"])
def test_clients_reach_anthropic_in_the_clouds(gate, invoked, vertex, model, dialect):
    assert "echo: good morning" in gate.ask(dialect, model, "good morning").text
    streamed = gate.ask(dialect, model, "long 9", stream=True)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert "w9" in streamed.text and ("message_stop" in streamed.text or "[DONE]" in streamed.text)
    sent = (invoked if model == "invoke" else vertex).last
    assert "model" not in sent.json and "stream" not in sent.json
    assert gate.audited(streamed)["usage"]["output"] == 9


def test_only_the_carriage_changes(gate, invoked):
    body = b'{"model":"invoke", "max_tokens" : 9,"messages":[{"role":"user","content":"h\\u00e9"}] }'
    answer = gate.http.post("/v1/messages", content=body, headers={"content-type": "application/json"})
    assert answer.json()["content"][0]["text"] == "echo: hé"
    tail = b'"max_tokens" : 9,"messages":[{"role":"user","content":"h\\u00e9"}] }'
    assert invoked.last.body.endswith(tail) and b"bedrock-2023-05-31" in invoked.last.body


def test_beta_features_go_where_each_carriage_has_them(gate, invoked, vertex):
    def ask(model):
        headers = {"anthropic-beta": "context-1m-2025-08-07,a-b"}
        body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
        assert gate.http.post("/v1/messages", json=body, headers=headers).status_code == 200

    ask("invoke")
    assert "anthropic_beta" not in invoked.last.json
    ask("invoke-betas")
    assert invoked.last.json["anthropic_beta"] == ["context-1m-2025-08-07", "a-b"]
    ask("vertex")
    assert vertex.last.header("anthropic-beta") == "context-1m-2025-08-07,a-b"


def test_what_goes_wrong_in_the_clouds(gate, invoked, vertex):
    torn = stream_error(after=2, kind="overloaded")
    torn.between = 0.05
    invoked.script(fail(429, retry_after="3"), torn, stream(pieces=3))
    busy = gate.messages("invoke")
    assert (busy.status_code, busy.json()["error"]["type"]) == (429, "rate_limit_error")
    assert busy.headers["retry-after"] == "3"
    broken = gate.messages("invoke", "long 9", stream=True)
    assert "event: error" in broken.text and "overloaded_error" in broken.text and "message_stop" not in broken.text
    assert "w9" in gate.messages("invoke", "long 9", stream=True).text
    vertex.script(torn)
    assert "event: error" in gate.messages("vertex", "long 9", stream=True).text


# -- carriages: clients -------------------------------------------------------------------------------------------


def carried(version, text="hi", **more):
    said = [{"role": "user", "content": text}]
    return {"anthropic_version": version, "max_tokens": 512, "messages": said, **more}


def invoke(gate, model, text="hi", streamed=False, **more):
    path = f"/model/{model}/invoke{'-with-response-stream' if streamed else ''}"
    return gate.http.post(path, json=carried("bedrock-2023-05-31", text, **more))


def chunks(answer):
    assert answer.headers["content-type"] == "application/vnd.amazon.eventstream"
    return [
        (headers.get(":event-type") or headers[":exception-type"], base64.b64decode(data.get("bytes", "")).decode())
        for headers, data in eventstream.read(answer.content)
    ]


@pytest.mark.parametrize("model", ["gpt", "claude", "signed", "invoke", "vertex"])
def test_clients_of_bedrock_invoke_reach_everybody(gate, model):
    whole = invoke(gate, model, "good morning").json()
    assert whole["type"] == "message" and whole["content"] == [{"type": "text", "text": "echo: good morning"}]
    said = chunks(invoke(gate, model, "long 9", streamed=True))
    assert {name for name, _ in said} == {"chunk"}
    assert '"message_start"' in said[0][1] and '"message_stop"' in said[-1][1] and "w9" in "".join(d for _, d in said)


def test_bytes_pass_where_both_are_the_same(gate, invoked):
    answer = invoke(gate, "invoke", "long 9", streamed=True)
    assert answer.content == bytes(invoked.last.sent)


@pytest.mark.parametrize("model", ["gpt", "claude", "signed", "invoke", "vertex"])
def test_clients_of_vertex_reach_everybody(gate, model):
    body = carried("vertex-2023-10-16", "good morning")
    whole = gate.http.post(f"{VERTEX}/{model}:rawPredict", json=body).json()
    assert whole["content"] == [{"type": "text", "text": "echo: good morning"}]
    streamed = gate.http.post(f"{VERTEX}/{model}:streamRawPredict", json=carried("vertex-2023-10-16", "long 9"))
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert "w9" in streamed.text and "event: message_stop" in streamed.text


def test_errors_of_bedrock_invoke_are_awss(gate, world):
    broken = stream_error(after=2)
    broken.between = 0.05
    world.openai.script(fail(429), broken)
    busy = invoke(gate, "gpt")
    assert (busy.status_code, busy.headers["x-amzn-errortype"]) == (429, "ThrottlingException")
    assert busy.json()["message"]
    said = chunks(invoke(gate, "gpt", "long 9", streamed=True))
    assert said[-1][0].endswith("Exception")
    unknown = invoke(gate, "nobody")
    assert (unknown.status_code, unknown.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")


# -- client keys --------------------------------------------------------------------------------------------------


def test_a_signature_is_no_key(make_gateway, world):
    key = "tg-client-key-1"
    gate = make_gateway(keys=[{"id": "boto", "sha256": hashlib.sha256(key.encode()).hexdigest()}])
    body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    for path in ("/model/gpt/converse", "/model/gpt/invoke"):
        signature = {"authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/bedrock/aws4_request"}
        refused = gate.http.post(path, json=body, headers=signature)
        assert (refused.status_code, refused.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
        assert "AWS_BEARER_TOKEN_BEDROCK" in refused.json()["message"]
    taken = gate.http.post("/model/gpt/converse", json=body, headers={"authorization": f"Bearer {key}"})
    assert taken.status_code == 200 and not world.openai.last.text().count(key)
