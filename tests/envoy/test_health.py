"""The health page: what it says of every target, and what Envoy's own health checks do beside it."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from support.sim import fail

BREAKER = {"failure_threshold": 3, "open": "1h"}


@pytest.fixture
def checked():
    """A server that only knows `/health`, and says whether it is well."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            asked.append((self.path, self.headers["host"], self.headers["authorization"]))
            self.send_response(server.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.asked = 200, asked
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def page_where(gate, check):
    until = time.monotonic() + 5
    while not check(page := gate.http.get("/health").json()):
        assert time.monotonic() < until, page
        time.sleep(0.05)
    return page


@pytest.fixture(scope="module")
def gate(make_gateway):
    models = {"mix": ["openai/gpt-4o-mix", "second/gpt-4.1-mix"], "idle": "openai/gpt-4o-idle", "pat-*": "openai/*"}
    return make_gateway(models=models, defaults={"circuit_breaker": BREAKER})


def test_targets_models_and_providers(gate, world):
    for _ in range(9):
        gate.chat("mix")
    world.openai.script(fail(503))
    gate.chat("mix")
    page = page_where(gate, lambda page: page["targets"]["openai/gpt-4o-mix"]["requests"] == 10)
    sick, well = page["targets"]["openai/gpt-4o-mix"], page["targets"]["second/gpt-4.1-mix"]
    assert (sick["status"], sick["success_rate"], sick["errors"]) == ("degraded", 0.9, {"server": 1})
    assert sick["circuit"] == {"state": "closed", "failures": 1}
    assert sick["last_error"]["class"] == "server" and sick["last_error"]["message"]
    times = sick["response_ms"]
    assert 0 <= times["p50"] <= times["p95"] <= times["max"] and times["avg"] <= times["max"]
    assert (well["status"], well["success_rate"], well["last_error"]) == ("healthy", 1, None)
    assert page["targets"]["openai/gpt-4o-idle"]["status"] == "unknown"
    assert page["models"]["mix"] == {"status": "degraded", "targets": ["openai/gpt-4o-mix", "second/gpt-4.1-mix"]}
    assert page["providers"]["openai"]["requests"] >= 10
    assert page["status"] == "degraded"
    assert "openai" not in page["targets"], "a provider is no target before it was asked for something without a model"


def test_down_and_not_ready(make_gateway, world):
    config = world.config(defaults={"circuit_breaker": BREAKER})
    alone = make_gateway(config | {"models": {"m": "openai/gpt-4o-down"}})
    assert alone.http.get("/health/ready").status_code == 200
    world.openai.script(*[fail(500)] * 3)
    for _ in range(3):
        assert alone.chat("m").status_code == 500
    page = alone.http.get("/health").json()
    assert page["targets"]["openai/gpt-4o-down"]["status"] == "down"
    assert page["targets"]["openai/gpt-4o-down"]["circuit"]["state"] == "open"
    assert page["models"]["m"]["status"] == "down"
    ready = alone.http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "down")
    assert alone.http.get("/health/live").status_code == 200


def test_traffic_behind_a_pattern_is_of_one_target(gate, world):
    for model in ("pat-gpt-4o", "pat-gpt-4.1"):
        assert gate.chat(model).status_code == 200
    page_where(gate, lambda page: page["targets"]["openai/*"]["requests"] == 2)


def test_envoys_own_checks_go_beside_the_filter(make_gateway, world, checked):
    """Whatever they say: the one address of a provider is asked as before, and its circuit judges by what comes back."""
    check = {"path": "/health", "every": "100ms", "timeout": "1s"}
    own = {"preset": "vllm", "base_url": f"http://localhost:{checked.server_port}/v1", "health_check": check}
    gateway = make_gateway(
        providers={"own": own}, models={"m": ["own/m", "openai/gpt-4o"]}, defaults={"circuit_breaker": BREAKER}
    )

    def stat(name):
        found = gateway.envoy.ask(f"/stats?filter=^cluster.provider_own.{name}$").split()
        return int(found[-1]) if found else 0

    def wait_for(name, check):
        until = time.monotonic() + 10
        while not check(stat(name)):
            assert time.monotonic() < until, (name, stat(name))
            time.sleep(0.05)

    wait_for("health_check.success", lambda seen: seen > 0)
    assert checked.asked[0] == ("/health", f"localhost:{checked.server_port}", None)
    checked.status = 500
    wait_for("membership_healthy", lambda seen: seen == 0)
    # It knows no POST, which is a 501: the filter tries it and falls back.
    answer = gateway.chat("m")
    assert (answer.status_code, answer.headers["x-tollgate-provider"]) == (200, "openai")
    first = gateway.audited(answer)["attempts"][0]
    assert (first["provider"], first["status"]) == ("own", 501)
    assert "outlier_detection" in gateway.rendered.read_text()


def test_a_lone_address_behind_a_name_is_never_left_out(make_gateway, world):
    """However often it fails: beside it stands one that refuses, and that must get nothing."""
    port = urlsplit(world.openai.base_url).port
    named = {"preset": "openai_compatible", "base_url": f"http://localhost:{port}/v1", "api_key_env": "OPENAI_TEST_KEY"}
    gateway = make_gateway(
        providers={"named": named},
        models={"m": {"targets": ["named/gpt-4o", "second/gpt-4.1"], "circuit_breaker": {"failure_threshold": 3, "open": "1s"}}},
    )
    world.openai.script(*[fail(503)] * 3)
    for _ in range(3):
        assert gateway.chat("m").headers["x-tollgate-provider"] == "second"
    stats = gateway.envoy.ask("/stats?filter=^cluster.provider_named.outlier_detection.ejections_")
    assert "ejections_active: 0" in stats and "ejections_overflow: 1" in stats, stats
    until = time.monotonic() + 20
    while gateway.chat("m").headers["x-tollgate-provider"] != "named":
        assert time.monotonic() < until
    assert {gateway.chat("m").headers["x-tollgate-provider"] for _ in range(20)} == {"named"}
