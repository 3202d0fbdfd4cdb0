"""Paths, methods, model lists, and what a client that asks for something else is told."""

from __future__ import annotations

import gzip
import json
import socket
from urllib.parse import urlsplit

import pytest

from support.answers import ANTHROPIC, DIALECTS, OPENAI, error_of
from support.gateway import body_for, chat_body, messages_body, path_for

SPEAKS_ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.fixture(scope="module")
def prefixed(make_gateway):
    cors = {"origins": ["https://app.example"], "headers": ["x-mine"], "max_age": "10m"}
    return make_gateway(server={"prefix": "/llm", "cors": cors})


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_chat_with_and_without_v1(gateway, path):
    answer = gateway.http.post(path, json=chat_body("gpt", "hello"))
    assert answer.json()["choices"][0]["message"]["content"] == "echo: hello"


@pytest.mark.parametrize("path", ["/v1/messages", "/messages", "/v1/messages?beta=true"])
def test_messages_with_and_without_v1(gateway, path):
    answer = gateway.http.post(path, json=messages_body("claude", "hello"), headers=SPEAKS_ANTHROPIC)
    assert answer.json()["content"][0]["text"] == "echo: hello"


@pytest.mark.parametrize("path", ["/llm/v1/chat/completions", "/llm/chat/completions"])
def test_chat_under_a_prefix(world, prefixed, path):
    assert prefixed.http.post(path, json=chat_body("gpt", "hello")).status_code == 200
    assert world.openai.last.path == "/v1/chat/completions"


@pytest.mark.parametrize("path", ["/llm/v1/messages", "/llm/messages", "/llm/v1/models", "/llm/models", "/llm/health"])
def test_everything_else_under_a_prefix(world, prefixed, path):
    if path.endswith("messages"):
        assert prefixed.http.post(path, json=messages_body("claude", "hello")).status_code == 200
    else:
        assert prefixed.http.get(path).status_code == 200


@pytest.mark.parametrize(
    ("path", "headers", "dialect"),
    [("/v1/nothing", {}, OPENAI), ("/v1/nothing", SPEAKS_ANTHROPIC, ANTHROPIC), ("/", {}, OPENAI)],
)
def test_unknown_path(gateway, path, headers, dialect):
    answer = gateway.http.get(path, headers=headers)
    assert answer.status_code == 404
    error = error_of(dialect, answer.json())
    assert error["type"] == ("invalid_request_error" if dialect == OPENAI else "not_found_error")
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("method", "path", "dialect"),
    [("GET", "/v1/chat/completions", OPENAI), ("PUT", "/v1/messages", ANTHROPIC), ("DELETE", "/v1/models", OPENAI)],
)
def test_wrong_method(gateway, method, path, dialect):
    answer = gateway.http.request(method, path)
    assert answer.status_code == 405
    error_of(dialect, answer.json())
    assert ("GET" if path.endswith("models") else "POST") in answer.headers["allow"]


def test_models_in_openai_shape(gateway):
    listed = gateway.http.get("/v1/models").json()
    assert listed["object"] == "list"
    by_id = {model["id"]: model for model in listed["data"]}
    assert {"gpt", "claude", "three"} <= set(by_id)
    assert by_id["gpt"]["object"] == "model"
    assert isinstance(by_id["gpt"]["created"], int) and isinstance(by_id["gpt"]["owned_by"], str)
    assert gateway.http.get("/models").json() == listed


def test_models_in_anthropic_shape(gateway):
    listed = gateway.http.get("/v1/models", headers=SPEAKS_ANTHROPIC).json()
    assert listed["has_more"] is False
    assert (listed["first_id"], listed["last_id"]) == (listed["data"][0]["id"], listed["data"][-1]["id"])
    for model in listed["data"]:
        assert model["type"] == "model" and model["display_name"] and model["created_at"].endswith("Z")


def test_models_by_the_page(gateway):
    everything = [one["id"] for one in gateway.http.get("/v1/models", headers=SPEAKS_ANTHROPIC).json()["data"]]
    seen, after = [], {}
    while True:
        listed = gateway.http.get("/v1/models", params={"limit": 4} | after, headers=SPEAKS_ANTHROPIC).json()
        assert 1 <= len(listed["data"]) <= 4
        seen += [one["id"] for one in listed["data"]]
        if not listed["has_more"]:
            break
        after = {"after_id": listed["last_id"]}
    assert seen == everything
    before = gateway.http.get(f"/v1/models?limit=2&before_id={everything[3]}", headers=SPEAKS_ANTHROPIC).json()
    assert [one["id"] for one in before["data"]] == everything[1:3] and before["has_more"]
    first = gateway.http.get("/v1beta/models?pageSize=3").json()
    second = gateway.http.get("/v1beta/models", params={"pageSize": 3, "pageToken": first["nextPageToken"]}).json()
    assert [one["displayName"] for one in first["models"] + second["models"]] == everything[:6]


def test_one_model(gateway):
    assert gateway.http.get("/v1/models/gpt").json()["object"] == "model"
    assert gateway.http.get("/v1/models/gpt", headers=SPEAKS_ANTHROPIC).json()["type"] == "model"
    assert gateway.http.get("/models/gpt").json()["id"] == "gpt"


@pytest.mark.parametrize(("headers", "dialect"), [({}, OPENAI), (SPEAKS_ANTHROPIC, ANTHROPIC)])
def test_one_model_that_is_not_there(gateway, headers, dialect):
    answer = gateway.http.get("/v1/models/none-such", headers=headers)
    assert answer.status_code == 404
    assert "none-such" in error_of(dialect, answer.json())["message"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_unknown_model(gateway, world, dialect):
    answer = gateway.ask(dialect, "none-such")
    assert answer.status_code == 404
    error = error_of(dialect, answer.json())
    assert "none-such" in error["message"]
    assert error.get("code") == "model_not_found" if dialect == OPENAI else error["type"] == "not_found_error"
    assert not world.openai.requests and not world.claude.requests


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"messages":[]}', b'{"model":7,"messages":[]}', b"\xff\xfe", b"{" * 5000]
)
def test_bodies_that_are_no_request(gateway, dialect, body):
    path = "/v1/chat/completions" if dialect == OPENAI else "/v1/messages"
    answer = gateway.http.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert error_of(dialect, answer.json())["type"] == "invalid_request_error"


def test_health(prefixed, world):
    prefixed.http.post("/llm/chat/completions", json=chat_body("gpt"))
    answer = prefixed.http.get("/llm/health")
    assert answer.status_code == 200
    health = answer.json()
    assert health["status"] in ("healthy", "degraded")
    assert "gpt" in health["models"]
    assert {"openai", "claude", "second", "dead"} <= set(health["providers"])
    for path in ("/health/live", "/health/ready"):
        answer = prefixed.http.get("/llm" + path)
        assert answer.status_code == 200
        assert answer.json()["status"] in ("ok", "healthy", "degraded")


def test_health_shows_what_traffic_showed(prefixed, world):
    for _ in range(20):
        assert prefixed.http.post("/llm/chat/completions", json=chat_body("gpt-then-claude")).status_code == 200
    assert prefixed.http.post("/llm/chat/completions", json=chat_body("dead")).status_code == 503
    # Each worker keeps its own books; what one of them shows must be made of real traffic all the same.
    seen = [prefixed.http.get("/llm/health").json()["providers"] for _ in range(10)]
    up = [found["openai"] for found in seen if found["openai"]["status"] == "healthy"]
    assert up, seen[0]
    assert up[0]["success_rate"] == 1 and up[0]["requests"] > 0
    assert up[0]["response_ms"]
    assert seen[0]["second"]["status"] == "unknown"
    down = [found["dead"] for found in seen if found["dead"]["requests"]]
    assert down and down[0]["last_error"], seen[0]["dead"]


def test_cors(prefixed, world):
    gateway, path = prefixed, "/llm/v1/chat/completions"
    origin = {"origin": "https://app.example"}
    preflight = gateway.http.options(
        path,
        headers=origin
        | {
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,x-mine",
        },
    )
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "x-mine"))
    assert preflight.headers["access-control-max-age"] == "600"
    answer = gateway.http.post(path, json=chat_body("gpt"), headers=origin)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "x-tollgate-request-id" in answer.headers.get("access-control-expose-headers", "").lower()
    failed = gateway.http.post(path, json=chat_body("none-such"), headers=origin)
    assert failed.headers["access-control-allow-origin"] == "https://app.example"
    gateway.audited(failed)
    assert not [line for line in gateway.audit() if line.get("method") == "OPTIONS"]
    stranger = gateway.http.post(path, json=chat_body("gpt"), headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers


def test_without_cors_there_are_no_cors_headers(gateway):
    answer = gateway.http.post("/v1/chat/completions", json=chat_body("gpt"), headers={"origin": "https://app.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_aliases_and_wildcards(gateway, world):
    for name, sim, model in [
        ("default", world.claude, "claude-opus-4-1"),
        ("claude-3-5-sonnet-latest", world.claude, "claude-opus-4-1"),
        ("anthropic/claude-haiku-4-5", world.claude, "claude-haiku-4-5"),
        ("any/gpt-4.1-mini", world.openai, "gpt-4.1-mini"),
    ]:
        assert gateway.chat(name).status_code == 200
        assert sim.last.json["model"] == model


def test_overrides_of_a_target(gateway, world):
    assert gateway.chat("tuned", temperature=0.9).status_code == 200
    sent = world.openai.last.json
    assert (sent["model"], sent["temperature"], sent["seed"]) == ("gpt-4.1", 0.2, 5)
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 17
    assert gateway.messages("tuned").status_code == 200
    assert world.openai.last.json["temperature"] == 0.2


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("coding", ["gzip", "zstd", "br"])
def test_a_packed_body_is_refused_by_name(gateway, dialect, coding):
    answer = gateway.http.post(
        path_for(dialect), content=gzip.compress(b"{}"), headers={"content-encoding": coding}
    )
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert coding in error_of(dialect, answer.json())["message"]
    plain = gateway.http.post(path_for(dialect), json=body_for(dialect, "gpt"), headers={"content-encoding": "identity"})
    assert plain.status_code == 200


def test_http_1_0(gateway):
    """What many proxies speak to those behind them by default."""
    url = urlsplit(gateway.url)
    body = json.dumps(chat_body("gpt", "hello")).encode()
    head = f"POST /v1/chat/completions HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection((url.hostname, url.port), timeout=20) as client:
        client.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.split(b"\r\n", 1)[0].endswith(b" 200 OK")
    assert b"echo: hello" in answer


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/liveness", "/health/readiness"])
def test_probes_of_litellms_proxy(gateway, path):
    assert gateway.http.get(path).status_code == 200
