"""The simulators' sockets: framing errors seen, resets real, TLS with SNI, HTTP/2."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time

import httpx
import pytest

from support.sim import Gate, OpenAISim, Steps, cut, hang, reset, stream
from support.sim.tls import PrivateCA

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "long 20"}]}
HEADERS = {"authorization": "Bearer sk-openai-simulated"}


@pytest.fixture
def sim():
    with OpenAISim() as running:
        yield running


def test_bytes_after_the_declared_body_are_a_fault(sim):
    body = json.dumps(BODY).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += f"authorization: Bearer {sim.key}\r\ncontent-length: {len(body) - 4}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", sim.port)) as raw:
        raw.sendall(head.encode() + body)
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    assert sim.faults


def test_reset_is_a_reset(sim):
    sim.script(reset(), cut(3))
    with pytest.raises(httpx.ReadError):
        httpx.post(sim.base_url + "/chat/completions", json=BODY, headers=HEADERS)
    with httpx.stream(
        "POST", sim.base_url + "/chat/completions", json=BODY | {"stream": True}, headers=HEADERS
    ) as answer:
        got = b""
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            for piece in answer.iter_raw():
                got += piece
    assert got.count(b'"content":"') == 4 and b"w3" in got and b"w4" not in got


def test_a_client_that_leaves_is_seen(sim):
    sim.script(hang())
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(sim.base_url + "/chat/completions", json=BODY, headers=HEADERS, timeout=0.3)
    sim.wait_for(lambda s: s.last.aborted)


def test_steps_and_gates_hold_the_answer(sim):
    steps, gate = Steps(), Gate()
    sim.script(stream(steps=steps, gate=gate))
    got = []

    def read():
        with httpx.stream(
            "POST", sim.base_url + "/chat/completions", json=BODY | {"stream": True}, headers=HEADERS
        ) as answer:
            got.extend(answer.iter_raw())

    reader = threading.Thread(target=read)
    reader.start()
    assert gate.reached.wait(5)
    gate.open()
    steps.release(2)
    time.sleep(0.2)
    assert (steps.taken, b"".join(got).count(b"data: ")) == (2, 2)
    steps.release(100)
    reader.join(5)
    assert b"".join(got).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(("http2", "protocol"), [(False, "HTTP/1.1"), (True, "HTTP/2")])
def test_tls_with_sni(tmp_path, http2, protocol):
    ca = PrivateCA(tmp_path)
    with OpenAISim(tls=ca.server("llm.test")) as sim:
        trust = ssl.create_default_context(cafile=str(ca.ca_file))
        with httpx.Client(http2=http2, verify=trust) as client:
            for size in (10, 3_000_000):
                body = BODY | {"messages": [{"role": "user", "content": "u" * size}]}
                asked = client.post(
                    sim.base_url + "/chat/completions",
                    json=body,
                    headers=HEADERS,
                    extensions={"sni_hostname": "llm.test"},
                )
                assert asked.status_code == 200, asked.text
                assert (sim.last.protocol, sim.last.sni, len(sim.last.json["messages"][0]["content"])) == (
                    protocol,
                    "llm.test",
                    size,
                )
            with client.stream(
                "POST",
                sim.base_url + "/chat/completions",
                json=BODY | {"stream": True},
                headers=HEADERS,
                extensions={"sni_hostname": "llm.test"},
            ) as answer:
                assert b"".join(answer.iter_raw()).endswith(b"data: [DONE]\n\n")
        assert not sim.faults


def test_a_stopped_simulator_refuses_and_comes_back(sim):
    sim.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.post(sim.base_url + "/chat/completions", json=BODY, headers=HEADERS)
    sim.start()
    assert httpx.post(sim.base_url + "/chat/completions", json=BODY, headers=HEADERS).status_code == 200
