"""Admission where a request takes its time, or another way than the first: what holds then of limits and budgets."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from support.gateway import bearer, chat_body
from support.sim import fail, hang, stream
from support.sim.behaviour import Gate

IMPATIENT = {"timeout": "1s", "circuit_breaker": {"failure_threshold": 2, "open": "60s"}}


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


def key(name):
    return {"id": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), "tenant": name}


def post(gateway, model, name=None, **more):
    with httpx.Client(base_url=gateway.url, timeout=60) as client:
        headers = bearer(secret(name)) if name else None
        return client.post("/v1/chat/completions", json=chat_body(model, **more), headers=headers)


@pytest.fixture(scope="module")
def gateway(make_gateway):
    """Every tenant has rules of its own, so no test has to do with another's."""
    return make_gateway(
        keys=[key(name) for name in ("busy", "free", "spender", "slow", "patient")],
        prices={"gpt-4.1": {"input": 0, "output": 0}, "gpt-4o": {"input": 2.0, "output": 1000.0}},
        models={
            "local-first": ["second/gpt-4.1", "openai/gpt-4o"],
            "pair": {"targets": ["openai/gpt-4o", "second/gpt-4.1"], **IMPATIENT},
            "alone": {"targets": ["claude/claude-sonnet-4-5"], **IMPATIENT},
        },
        queue={"timeout": "30s"},
        budgets=[{"name": "day", "usd": 0.05, "every": "day", "per": "tenant", "only": {"tenant": ["spender"]}}],
        limits=[
            {"name": "one", "concurrent": 1, "over": "queue", "only": {"tenant": ["busy"]}},
            {"name": "many", "concurrent": 50, "over": "queue", "only": {"tenant": ["free"]}},
            {"name": "pace", "requests": "2/s", "only": {"tenant": ["slow"]}},
            {"name": "turn", "concurrent": 1, "over": "queue", "only": {"tenant": ["patient"]}},
        ],
    )


def test_a_rule_with_room_does_not_wait_for_another_of_its_scope(world, gateway):
    gate = Gate()
    world.openai.script(stream(gate=gate))
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(post, gateway, "gpt", "busy")]
        assert gate.reached.wait(10)
        waiting += [pool.submit(post, gateway, "gpt", "busy") for _ in range(3)]
        time.sleep(0.3)
        try:
            free = [pool.submit(post, gateway, "claude", "free").result(10) for _ in range(4)]
            assert not any(request.done() for request in waiting)
        finally:
            gate.open()
        assert {answer.status_code for answer in free} == {200}
        assert {request.result(30).status_code for request in waiting} == {200}


def test_a_budget_holds_for_the_dearest_target_that_may_answer(world, gateway):
    world.second.always(fail(503))
    world.openai.always(stream(before_headers=0.5, text="word " * 40))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(gateway, "local-first", "spender", max_tokens=40), range(20)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 429: 19}


def test_a_slow_upload_is_measured_by_the_time_it_is_there(world, gateway):
    body = json.dumps(chat_body("gpt")).encode()
    url = urlsplit(gateway.url)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {secret('slow')}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port), timeout=20) as upload:
        upload.sendall(head.encode() + body[:10])
        other = threading.Timer(1.7, post, (gateway, "gpt", "slow"))
        other.start()
        time.sleep(2)
        upload.sendall(body[10:])
        answer = b"".join(iter(lambda: upload.recv(65536), b""))
        other.join()
    assert answer.startswith(b"HTTP/1.1 200 "), answer


def test_who_waits_does_not_go_where_the_circuit_has_opened(world, gateway):
    world.openai.always(hang(30))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: post(gateway, "pair", "patient"), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(world.openai.requests) == 2

    world.claude.always(fail(500))
    with ThreadPoolExecutor(6) as pool:
        refused = list(pool.map(lambda _: post(gateway, "alone", "patient"), range(6)))
    codes = [answer.json()["error"]["code"] for answer in refused]
    assert codes.count("circuit_open") >= 3, codes
    opened = next(answer for answer in refused if answer.json()["error"]["code"] == "circuit_open")
    assert (opened.status_code, "retry-after" in opened.headers) == (503, True)


def test_a_provider_that_is_reached_in_silence_is_counted(world, make_gateway):
    gateway = make_gateway(
        limits=[{"name": "hour", "per": "provider", "only": {"provider": ["openai"]}, "requests": "1/h"}]
    )
    assert post(gateway, "dead-then-gpt").status_code == 200
    refused = post(gateway, "gpt")
    assert (refused.status_code, "hour" in refused.text) == (429, True)


def test_one_failed_provider_is_not_the_whole_gateway(world, make_gateway):
    gateway = make_gateway(defaults={"timeout": "31s"})
    assert post(gateway, "dead").status_code == 503
    time.sleep(1.2)
    ready = gateway.http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")


def test_a_fallback_is_asked_that_has_room_by_the_time_it_is_needed(world, make_gateway):
    gateway = make_gateway(
        models={"direct": "second/gpt-4.1", "pair": ["openai/gpt-4o", "second/gpt-4.1"]},
        limits=[{"name": "one", "per": "provider", "only": {"provider": ["second"]}, "concurrent": 1}],
    )
    gate = Gate()
    world.second.script(stream(gate=gate))
    world.openai.script(stream(status=503, before_headers=1.5))
    with ThreadPoolExecutor(2) as pool:
        occupier = pool.submit(post, gateway, "direct")
        assert gate.reached.wait(10)
        fallen_back = pool.submit(post, gateway, "pair")
        time.sleep(0.5)
        gate.open()
        assert occupier.result(20).status_code == 200
        answer = fallen_back.result(20)
    assert (answer.status_code, answer.headers["x-tollgate-provider"]) == (200, "second")
    assert "skipped" not in json.dumps(gateway.audited(answer))
