"""`auth: gcp`: Envoy fetches access tokens from Google Cloud's metadata server, and only Google gets them."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from support.answers import OPENAI, read
from support.gateway import Gateway
from support.sim import GeminiSim, fail
from support.world import GPT, SECRETS

TOKEN = "ya29.from-the-metadata-server"


class Metadata:
    """The metadata server: tokens for the default service account, for whoever sends Google's header."""

    def __init__(self):
        self.asked = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                where = urlsplit(self.path)
                asked.append((where.path, parse_qs(where.query), self.headers.get("metadata-flavor")))
                body = json.dumps({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server.server_address[1]


class InTheCloud(Gateway):
    """A gateway whose metadata server is the test's: the name that means it exists only in Google's cloud."""

    metadata_port = 0

    def write(self, config=None):
        super().write(config)
        text = self.rendered.read_text()
        assert "metadata.google.internal" in text
        self.rendered.write_text(
            text.replace("metadata.google.internal", "127.0.0.1").replace(
                "port_value: 80\n", f"port_value: {self.metadata_port}\n"
            )
        )


@pytest.fixture(scope="module")
def metadata():
    server = Metadata()
    yield server
    server.server.shutdown()


@pytest.fixture(scope="module")
def vertex():
    with GeminiSim(TOKEN, vertex=True) as sim:
        yield sim


@pytest.fixture(scope="module")
def gate(standing_world, metadata, vertex, tmp_path_factory):
    InTheCloud.metadata_port = metadata.port
    config = standing_world.config(
        providers={
            "vertex": {"base_url": f"{vertex.base_url}/v1/projects/p/locations/l", "auth": "gcp"},
        },
        models={"cloud": "vertex/gemini-2.5-flash", "cloud-then-gpt": ["vertex/gemini-2.5-flash", f"openai/{GPT}"]},
    )
    made = InTheCloud(config, tmp_path_factory.mktemp("gateway"), SECRETS)
    yield made
    made.stop()


def test_a_token_is_fetched_once_and_used(gate, metadata, vertex, world):
    for _ in range(3):
        assert read(OPENAI, gate.chat("cloud", "long 2").json()).text == "w1 w2"
    assert vertex.last.header("authorization") == f"Bearer {TOKEN}"
    assert not vertex.faults
    path, query, flavor = metadata.asked[0]
    assert path.endswith("/service-accounts/default/token") and flavor == "Google"
    assert "cloud-platform" in query["scopes"][0]
    assert len(metadata.asked) <= 2


def test_no_other_provider_sees_it(gate, vertex, world):
    vertex.script(fail(503))
    assert read(OPENAI, gate.chat("cloud-then-gpt", "long 2").json()).text == "w1 w2"
    assert TOKEN not in world.openai.last.text()
    assert TOKEN not in json.dumps(gate.audit())
