"""Same dialect on both sides: bytes pass unchanged but for the model's name and the usage switch."""

from __future__ import annotations

import json

import pytest

from support.answers import ANTHROPIC, OPENAI, sse
from support.sim import stream
from support.world import CLAUDE, GPT

PLAIN = {"content-type": "application/json", "accept-encoding": "identity"}

# Odd on purpose: spaces, key order, escapes, exponents, big numbers, a duplicate look of the model's name in a text.
OPENAI_BODY = (
    '{\n  "messages" : [ {"content":"caf\\u00e9 \\"model\\": \\"gpt\\" \\/ \U0001f600 é","role":"user"} ],'
    '"temperature":1.0E0,  "seed": 9007199254740993, "model" : "gpt",\t"metadata":null,"stop":["\\n\\nEND"] }\n'
)
ANTHROPIC_BODY = (
    '{ "max_tokens":  64,"system":[{"type":"text","text":"model: claude","cache_control":{"type":"ephemeral"}}],\n'
    ' "model":"claude" , "messages":[{"role":"user","content":[{"type":"text","text":"\\u0068i \U0001f600"}]}], "top_k": 4e0}'
)


def openai_post(gateway, body, path="/v1/chat/completions"):
    return gateway.http.post(path, content=body.encode(), headers=PLAIN)


def anthropic_post(gateway, body):
    return gateway.http.post("/v1/messages", content=body.encode(), headers=PLAIN | {"anthropic-version": "2023-06-01"})


def test_openai_request_bytes(gateway, world):
    answer = openai_post(gateway, OPENAI_BODY)
    assert answer.status_code == 200, answer.text
    assert world.openai.last.body.decode() == OPENAI_BODY.replace('"model" : "gpt"', f'"model" : "{GPT}"')


def test_anthropic_request_bytes(gateway, world):
    body = ANTHROPIC_BODY.replace("4e0", "4")
    assert anthropic_post(gateway, body).status_code == 200
    assert world.claude.last.body.decode() == body.replace('"model":"claude"', f'"model":"{CLAUDE}"')


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
def test_unary_answer_bytes(gateway, world, dialect):
    if dialect == OPENAI:
        answer = openai_post(gateway, OPENAI_BODY)
        assert answer.content == bytes(world.openai.last.sent)
    else:
        answer = anthropic_post(gateway, ANTHROPIC_BODY.replace("4e0", "4"))
        assert answer.content == bytes(world.claude.last.sent)
    assert answer.headers["content-type"] == "application/json"


def test_openai_stream_bytes_when_the_client_asks_for_usage(gateway, world):
    body = '{"stream":true,"stream_options":{"include_usage":true},"model":"gpt","messages":[{"role":"user","content":"long 50"}]}'
    answer = openai_post(gateway, body)
    assert world.openai.last.body.decode() == body.replace('"gpt"', f'"{GPT}"')
    assert answer.content == bytes(world.openai.last.sent)
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_openai_stream_usage_is_asked_for_upstream_and_kept_from_the_client(gateway, world):
    answer = openai_post(gateway, '{"model":"gpt", "stream":true, "messages":[{"role":"user","content":"long 9"}]}')
    sent = world.openai.last.json
    assert sent["stream_options"]["include_usage"] is True
    chunks = [json.loads(data) for _, data in sse(answer.content) if data != "[DONE]"]
    assert all(chunk["choices"] for chunk in chunks), "the usage chunk must not reach a client that did not ask"
    assert not any(chunk.get("usage") for chunk in chunks)
    assert answer.content.endswith(b"data: [DONE]\n\n")
    line = gateway.audited(answer)
    assert (line["usage"]["output"], line["usage_status"]) == (9, "complete")


@pytest.mark.parametrize(
    "options", [None, {}, {"include_usage": False}, {"include_usage": False, "include_obfuscation": False}]
)
def test_usage_switch_with_other_stream_options(gateway, world, options):
    body = {
        "model": "gpt",
        "stream": True,
        "messages": [{"role": "user", "content": "long 3"}],
        "stream_options": options,
    }
    answer = openai_post(gateway, json.dumps(body))
    assert answer.status_code == 200
    assert world.openai.last.json["stream_options"] == (options or {}) | {"include_usage": True}
    assert not any(json.loads(d).get("usage") for _, d in sse(answer.content) if d != "[DONE]")


@pytest.mark.parametrize(
    "shape", [{}, {"pieces": 1}, {"pieces": 13}, {"events_a_write": 10}, {"crlf": True}, {"comments": True}]
)
def test_anthropic_stream_bytes_however_they_are_cut(gateway, world, shape):
    world.claude.script(stream(**shape))
    body = (
        '{"model":"claude","stream":true,"max_tokens":90,"messages":[{"role":"user","content":"long 30 \U0001f600"}]}'
    )
    answer = anthropic_post(gateway, body)
    assert world.claude.last.body.decode() == body.replace('"claude"', f'"{CLAUDE}"')
    assert answer.content == bytes(world.claude.last.sent)


@pytest.mark.parametrize("shape", [{"pieces": 1}, {"pieces": 31}, {"events_a_write": 10}, {"comments": True}])
def test_openai_stream_bytes_however_they_are_cut(gateway, world, shape):
    world.openai.script(stream(**shape))
    body = '{"stream":true,"stream_options":{"include_usage":true},"model":"gpt","messages":[{"role":"user","content":"long 20 é"}]}'
    assert openai_post(gateway, body).content == bytes(world.openai.last.sent)


def test_fields_nobody_knows_pass(make_gateway, world):
    """An identity lane is no filter: what a peer will know tomorrow passes today."""
    from support.sim import OpenAISim

    with OpenAISim(None, compatible=True) as peer:
        gateway = make_gateway(
            providers={"peer": {"base_url": peer.base_url, "dialect": "openai_chat", "auth": "none"}},
            models={"p": "peer/p"},
        )
        answer = openai_post(gateway, '{"model":"p","min_p":0.1,"top_k":7,"messages":[{"role":"user","content":"x"}]}')
        assert answer.status_code == 200, answer.text
        assert peer.last.body == b'{"model":"p","min_p":0.1,"top_k":7,"messages":[{"role":"user","content":"x"}]}'
        assert peer.last.header("authorization") is None


def test_an_anthropic_beta_body_passes(gateway, world):
    """Fields behind a beta header need the header; without it the provider's own refusal comes through."""
    body = (
        '{"model":"claude","max_tokens":9,"context_management":{"edits":[]},"messages":[{"role":"user","content":"x"}]}'
    )
    answer = anthropic_post(gateway, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "context_management: Extra inputs are not permitted"


def test_provider_headers_worth_keeping(gateway):
    answer = openai_post(gateway, OPENAI_BODY)
    assert "set-cookie" not in answer.headers, "a provider's cookies are not the client's"
    assert answer.headers["content-type"] == "application/json"
