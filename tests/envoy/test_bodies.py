"""Big bodies byte for byte, connections kept alive after lengths changed, both HTTP versions on both sides."""

from __future__ import annotations

import hashlib
import json

import httpx
import pytest

from support.answers import ANTHROPIC, DIALECTS, OPENAI, error_of, read
from support.gateway import body_for, path_for
from support.sim import OpenAISim, fail, raw
from support.world import CLAUDE, GPT, model_for

MB = 1_000_000
# The text of a big body: no two megabytes alike, so a piece lost, doubled or moved shows in the digest.
BLOCK = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(2000))


def big(size):
    return (BLOCK * (size // len(BLOCK) + 1))[:size]


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def http(request, gateway):
    """A client of this protocol; HTTP/2 in clear with prior knowledge."""
    version = {"http1": request.param == "HTTP/1.1", "http2": request.param == "HTTP/2"}
    with httpx.Client(base_url=gateway.url, timeout=60, **version) as client:
        client.wanted = request.param
        yield client


@pytest.mark.parametrize("size", [2 * MB, 20 * MB])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_big_requests_byte_for_byte(world, http, dialect, size):
    body = json.dumps(body_for(dialect, model_for(dialect), big(size))).encode()
    answer = http.post(path_for(dialect), content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text[:500]
    assert answer.http_version == http.wanted
    sim = world.sim(dialect)
    public, real = (b'"gpt"', GPT) if dialect == OPENAI else (b'"claude"', CLAUDE)
    wanted = body.replace(public, f'"{real}"'.encode(), 1)
    assert hashlib.sha256(sim.last.body).hexdigest() == hashlib.sha256(wanted).hexdigest()
    assert read(dialect, answer.json()).text == "echo: " + big(size)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_big_requests_translated_and_retried(world, http, dialect):
    text = big(5 * MB)
    chain = "claude-then-gpt" if dialect == OPENAI else "gpt-then-claude"
    first = world.claude if dialect == OPENAI else world.openai
    first.script(fail(503))
    answer = http.post(path_for(dialect), json=body_for(dialect, chain, text))
    assert answer.status_code == 200, answer.text[:500]
    for sim in (world.openai, world.claude):
        content = sim.last.json["messages"][0]["content"]
        assert (content if isinstance(content, str) else content[0]["text"]) == text
    assert read(dialect, answer.json()).text == "echo: " + text


def test_over_http2_upstream(make_gateway, world):
    gateway = make_gateway(
        providers={
            "two": {
                "base_url": world.openai.base_url,
                "dialect": "openai_chat",
                "api_key_env": "OPENAI_TEST_KEY",
                "protocol": "http2",
            }
        },
        models={"two": f"two/{GPT}"},
    )
    for size, version in ((20 * MB, {"http2": False}), (2 * MB, {"http1": False, "http2": True})):
        body = json.dumps(body_for(OPENAI, "two", big(size))).encode()
        with httpx.Client(base_url=gateway.url, timeout=60, **version) as client:
            answer = client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 200, answer.text[:300]
            assert world.openai.last.protocol == "HTTP/2"
            assert world.openai.last.body == body.replace(b'"two"', f'"{GPT}"'.encode(), 1)
            assert len(answer.content) > size
            streamed = client.post("/v1/chat/completions", json=body_for(OPENAI, "two", "long 60", stream=True))
            assert b"w60" in streamed.content and streamed.content.endswith(b"data: [DONE]\n\n")


def test_a_body_over_the_limit_is_413(make_gateway, world):
    gateway = make_gateway(server={"max_body": "1MiB"})
    assert gateway.chat("gpt", big(900_000)).status_code == 200
    for dialect in DIALECTS:
        answer = gateway.ask(dialect, "gpt", big(3 * MB))
        assert answer.status_code == 413
        error_of(dialect, answer.json())
    assert len(world.openai.requests) == 1


def test_big_streams(world, http):
    """A streamed answer has no limit: 8 MB in one event, then many small ones."""
    head = (
        '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"'
    )
    tail = '"},"finish_reason":null}]}'
    end = 'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    whole = f"data: {head}{big(2 * MB)}{tail}\n\n" + f"data: {head}small {tail}\n\n" * 20000 + end
    world.openai.script(raw(whole.encode(), "text/event-stream"))
    answer = http.post("/v1/chat/completions", json=body_for(OPENAI, "gpt", "x", stream=True))
    assert answer.content == whole.encode()
    world.openai.script(raw(whole.encode(), "text/event-stream"))
    translated = http.post("/v1/messages", json=body_for(ANTHROPIC, "gpt", "x", stream=True))
    assert translated.content.count(b"small ") == 20000
    assert big(2 * MB).encode() in translated.content.replace(
        b'"}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"',
        b"",
    )


def test_keep_alive_after_every_change_of_length(world, gateway):
    """Translated bodies are longer or shorter than the client's; a stale length would poison the next request."""
    with httpx.Client(base_url=gateway.url) as client:
        for n in range(60):
            dialect = DIALECTS[n % 2]
            model = ["gpt", "claude", "gpt-then-claude", "claude-then-gpt"][n % 4]
            if n % 5 == 0 and model == "gpt-then-claude":
                world.openai.script(fail(503))
            text = "x" * (n * 37 % 501) + f" {n}"
            more = {"stream": True} if n % 3 == 0 else {}
            answer = client.post(path_for(dialect), json=body_for(dialect, model, text, **more))
            assert answer.status_code == 200, answer.text
            assert str(n) in answer.text
    for sim in (world.openai, world.claude):
        for request in sim.requests:
            assert request.header("content-length") in (None, str(len(request.body)))
        # Few connections for many requests: they were in fact reused.
        assert len({request.connection for request in sim.requests}) < len(sim.requests) / 2


def test_chunked_request_bodies(world, gateway):
    def pieces():
        body = json.dumps(body_for(OPENAI, "claude", "in pieces")).encode()
        for start in range(0, len(body), 11):
            yield body[start : start + 11]

    answer = gateway.http.post("/v1/chat/completions", content=pieces(), headers={"content-type": "application/json"})
    assert read(OPENAI, answer.json()).text == "echo: in pieces"
    assert json.loads(world.claude.last.body)["messages"]


def test_expect_continue(gateway, world):
    import socket

    body = json.dumps(body_for(OPENAI, "gpt", "patient")).encode()
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw_socket:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
        raw_socket.sendall(head.encode())
        assert raw_socket.recv(1000).startswith(b"HTTP/1.1 100")
        raw_socket.sendall(body)
        got = b""
        while piece := raw_socket.recv(65536):
            got += piece
    assert b"echo: patient" in got


def test_big_answers_byte_for_byte(world, gateway):
    answer = gateway.http.post(
        "/v1/chat/completions", json=body_for(OPENAI, "gpt", big(20 * MB)), headers={"accept-encoding": "identity"}
    )
    assert answer.content == bytes(world.openai.last.sent)


def test_a_compatible_peer_without_a_length(make_gateway, world):
    """An answer without content-length (chunked) is as good."""
    with OpenAISim(None, compatible=True) as peer:
        gateway = make_gateway(
            providers={"p": {"base_url": peer.base_url, "dialect": "openai_chat", "auth": "none"}},
            models={"p": "p/any"},
        )
        assert gateway.messages("p").status_code == 200
