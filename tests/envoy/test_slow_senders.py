"""Requests that do not come whole, and waits longer than a request may take: nobody blames a provider for them."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.gateway import bearer, chat_body

KEY = "tg-patient-5d41402abc4b2a76"


@pytest.fixture(scope="module")
def gateway(make_gateway):
    """A whole request has a second; Envoy bears a silent client for five more, or for five more than the queue takes."""
    key = {"id": "patient", "sha256": hashlib.sha256(KEY.encode()).hexdigest(), "tenant": "patient"}
    return make_gateway(
        keys=[key],
        defaults={"request_timeout": "1s"},
        limits=[{"requests": "8/m", "burst": 1, "per": "tenant", "over": "queue"}],
        queue={"timeout": "9s"},
    )


def _never_ends(gateway):
    body = json.dumps(chat_body("gpt")).encode()
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:20])
        got = b""
        while piece := client.recv(65536):
            got += piece
    return got


def test_both(gateway, world):
    with ThreadPoolExecutor(1) as pool:
        unfinished = pool.submit(_never_ends, gateway)
        assert gateway.chat("gpt", key=KEY).status_code == 200
        started = time.monotonic()
        waited = gateway.chat("gpt", key=KEY)
        assert waited.status_code == 200, waited.text
        assert 6 < time.monotonic() - started < 9
        head, _, body = unfinished.result().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 "), head
    error = json.loads(body)["error"]
    assert error["message"] == "The request did not come whole in time."
    line = gateway.audit_where(lambda line: line["status"] == 408)
    assert "provider" not in line and line["error"]["message"] == error["message"]
    assert len(world.openai.requests) == 2
