"""Streams in time: chunk by chunk, broken off, left by their client."""

from __future__ import annotations

import json
import threading
import time

import httpx
import pytest

from support.answers import ANTHROPIC, DIALECTS, OPENAI, read_stream
from support.gateway import body_for, path_for
from support.sim import Steps, cut, stream, stream_error
from support.world import model_for

LANES = [(client, provider) for client in DIALECTS for provider in DIALECTS]


@pytest.fixture(params=LANES, ids=[f"{c}-to-{p}" for c, p in LANES])
def lane(request):
    return request.param


class Reader(threading.Thread):
    """Reads a stream in the background and notes what has come so far."""

    def __init__(self, gateway, client, model, messages, **more):
        super().__init__(daemon=True)
        self.got = b""
        self.status = None
        self.failed = None
        self._asked = (gateway.url, path_for(client), body_for(client, model, messages, stream=True, **more))
        self.start()

    def run(self):
        url, path, body = self._asked
        try:
            with httpx.stream("POST", url + path, json=body, timeout=30) as answer:
                self.status = answer.status_code
                self.headers = answer.headers
                for piece in answer.iter_raw():
                    self.got += piece
        except httpx.HTTPError as error:
            self.failed = error

    def wait_for(self, what, timeout=5.0):
        until = time.monotonic() + timeout
        while what not in self.got:
            assert time.monotonic() < until, f"{what!r} never came; so far {self.got[-300:]!r}"
            time.sleep(0.003)


def test_every_chunk_is_there_before_the_next_one_leaves(gateway, world, lane):
    client, provider = lane
    steps = Steps()
    world.sim(provider).script(stream(steps=steps))
    reader = Reader(gateway, client, model_for(provider), "long 30")
    written = 0
    for number in range(1, 31):
        # Let writes go one by one until the simulator has written the event that carries word `number`.
        world.sim(provider).wait_for(lambda sim: sim.requests)
        mark = f'w{number}"'.encode()
        while mark not in bytes(world.sim(provider).last.sent):
            steps.release()
            written += 1
            world.sim(provider).wait_for(lambda _, wanted=written: steps.taken >= wanted)
            time.sleep(0.002)
            assert written < 200
        reader.wait_for(mark)
    steps.release(100)
    reader.join(5)
    assert read_stream(client, reader.got).done


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_provider_that_breaks_off_after_content_is_no_finish(gateway, world, lane, how):
    client, provider = lane
    world.sim(provider).script(cut(5, how))
    reader = Reader(gateway, client, model_for(provider), "long 30")
    reader.join(10)
    assert not reader.is_alive()
    assert b"w3" in reader.got
    for finish in (b"[DONE]", b"message_stop", b'"finish_reason":"stop"', b"end_turn"):
        assert finish not in reader.got
    line = gateway.audited(reader.headers["x-tollgate-request-id"])
    assert line["status"] == 200 and line["error"]
    assert line["usage_status"] in ("partial", "estimated")


def test_a_stream_that_ends_without_its_finish_is_an_error(gateway, world, lane):
    """A clean end of the body in mid-answer: the gateway can still speak, so it says that something is missing."""
    client, provider = lane
    world.sim(provider).script(cut(5, "end"))
    answer = gateway.http.post(path_for(client), json=body_for(client, model_for(provider), "long 30", stream=True))
    seen = read_stream(client, answer.content)
    assert "w3" in seen.text
    assert seen.finish is None
    if client != provider:
        assert seen.error, "a translated stream must end with a typed error"
    assert not (seen.done and seen.finish)


def test_an_error_event_after_content(gateway, world, lane):
    client, provider = lane
    # Time between the events: what came together with the error has not reached the client, and may fall back.
    failing = stream_error(4)
    failing.between = 0.03
    world.sim(provider).script(failing)
    answer = gateway.http.post(path_for(client), json=body_for(client, model_for(provider), "long 30", stream=True))
    seen = read_stream(client, answer.content)
    assert "w2" in seen.text and seen.finish is None
    assert seen.error and seen.error["message"]
    if client == ANTHROPIC:
        assert seen.error["type"] in ("overloaded_error", "api_error")
        assert not seen.done
    line = gateway.audited(answer)
    assert line["error"] and line["usage_status"] != "complete"


def test_a_client_that_leaves_is_audited_as_partial(gateway, world, lane):
    client, provider = lane
    world.sim(provider).script(stream(between=0.03))
    with httpx.stream(
        "POST",
        gateway.url + path_for(client),
        json=body_for(client, model_for(provider), "long 200", stream=True),
        timeout=30,
    ) as answer:
        ident = answer.headers["x-tollgate-request-id"]
        got = b""
        for piece in answer.iter_raw():
            got += piece
            if b"w20" in got:
                break
    world.sim(provider).wait_for(lambda sim: sim.last.aborted)
    line = gateway.audited(ident)
    assert line["usage_status"] in ("partial", "estimated")
    assert 10 <= line["usage"]["output"] < 150, "what was streamed so far is counted, not nothing and not everything"


def test_a_client_that_leaves_before_the_answer(gateway, world):
    world.openai.script(stream(before_headers=5))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(gateway.url + "/v1/chat/completions", json=body_for(OPENAI, "gpt", "gone soon"), timeout=0.4)
    world.openai.wait_for(lambda sim: sim.last.aborted)
    gateway.audit_where(
        lambda line: (
            line.get("provider") == "openai"
            and not (line.get("usage") or {}).get("output")
            and line["usage_status"] in ("missing", "partial", "estimated")
        )
    )


def test_two_streams_at_once_do_not_mix(gateway, world):
    world.openai.always(stream(between=0.01))
    world.claude.always(stream(between=0.01))
    readers = [
        Reader(gateway, client, model_for(provider), f"long {60 + n}") for n, (client, provider) in enumerate(LANES * 3)
    ]
    for n, (reader, (client, _)) in enumerate(zip(readers, LANES * 3, strict=True)):
        reader.join(20)
        assert read_stream(client, reader.got).text.split()[-1] == f"w{60 + n}"


def test_headers_of_a_stream(gateway, world, lane):
    client, provider = lane
    answer = gateway.http.post(path_for(client), json=body_for(client, model_for(provider), "x", stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in answer.headers
    assert answer.headers["x-tollgate-provider"] == ("openai" if provider == OPENAI else "claude")
    assert "x-tollgate-cost" not in answer.headers
    json.dumps(dict(answer.headers))


def test_first_bytes_do_not_wait_for_the_whole(gateway, world, lane):
    client, provider = lane
    world.sim(provider).script(stream(between=0.05))
    began = time.monotonic()
    with httpx.stream(
        "POST",
        gateway.url + path_for(client),
        json=body_for(client, model_for(provider), "long 400", stream=True),
        timeout=30,
    ) as answer:
        got = b""
        for piece in answer.iter_raw():
            got += piece
            if b"w2" in got:
                break
        assert time.monotonic() - began < 10, "the whole takes twenty seconds"


@pytest.mark.parametrize("client", DIALECTS)
def test_silence_within_a_stream_ends_it(make_gateway, world, client):
    gateway = make_gateway(
        providers={
            "idle": {
                "base_url": world.openai.base_url,
                "dialect": "openai_chat",
                "api_key_env": "OPENAI_TEST_KEY",
                "idle_timeout": "1s",
            }
        },
        models={"idle": "idle/gpt-4o"},
    )
    steps = Steps(allowed=5)
    world.openai.script(stream(steps=steps))
    began = time.monotonic()
    reader = Reader(gateway, client, "idle", "long 30")
    reader.join(10)
    assert not reader.is_alive() and 0.9 < time.monotonic() - began < 9
    assert b"w2" in reader.got
    for finish in (b"[DONE]", b"message_stop", b'"finish_reason":"stop"'):
        assert finish not in reader.got
    steps.release(100)
    line = gateway.audited(reader.headers["x-tollgate-request-id"])
    assert line["error"]["message"] == "The provider said nothing for 1000 ms in the middle of its answer."
    assert line["usage_status"] == "partial"
