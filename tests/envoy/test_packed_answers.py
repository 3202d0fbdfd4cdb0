"""Answers that are packed although nobody asked for that: no client gets bytes under a name that they do not bear."""

from __future__ import annotations

import gzip
import json

import pytest

from support.answers import DIALECTS, error_of, read, read_stream
from support.sim import raw

PROVIDERS_OWN = b'{"error":{"message":"no such thing","type":"invalid_request_error","param":null,"code":null}}'


def packed(body, status=None, media_type="application/json"):
    behaviour = raw(gzip.compress(body), media_type, status)
    behaviour.headers["content-encoding"] = "gzip"
    return behaviour


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_error_can_be_read(gateway, world, client, streamed, status):
    body = b"data: {}\n\n" if streamed and status == 200 else PROVIDERS_OWN
    world.openai.script(packed(body, status, "text/event-stream" if status == 200 and streamed else "application/json"))
    answer = gateway.ask(client, "gpt", stream=streamed)
    assert answer.status_code == (502 if status == 200 else status)
    assert "content-encoding" not in answer.headers
    error = error_of(client, answer.json())
    assert "packed (`gzip`)" in json.dumps(error)
    assert "packed (`gzip`)" in gateway.audited(answer)["error"]["message"]


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_the_chain_goes_on(gateway, world, client, streamed):
    world.openai.script(packed(PROVIDERS_OWN, None, "text/event-stream" if streamed else "application/json"))
    answer = gateway.ask(client, "gpt-then-claude", stream=streamed)
    assert answer.status_code == 200 and "content-encoding" not in answer.headers
    seen = read_stream(client, answer.content) if streamed else read(client, answer.json())
    assert seen.text == "echo: hi"
