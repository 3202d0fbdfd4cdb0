"""Who asks, by a JSON Web Token that Envoy verifies: keys from a file and from the issuer's server."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.access import CLIENTS, Issuer, ask, digest, model_names, refused
from support.sim import OpenAISim
from support.world import GPT

KEY = "tg-beside-9f86d081884c7d65"
AUDIENCE = "tollgate"
CLAIMS = {
    "tenant": "realm.org",
    "team": "https://acme.test/team.name",
    "project": "realm.deep.project",
    "user": "sub",
}


@pytest.fixture(scope="module")
def issuer():
    return Issuer()


@pytest.fixture(scope="module")
def key_file(issuer, tmp_path_factory):
    path = tmp_path_factory.mktemp("issuer") / "jwks.json"
    path.write_text(issuer.key_set())
    return path


@pytest.fixture(scope="module")
def theirs():
    """A provider that is asked with the client's own credential."""
    with OpenAISim("sk-of-the-client") as sim:
        yield sim


@pytest.fixture(scope="module")
def gateway(make_gateway, issuer, key_file, theirs):
    return make_gateway(
        keys=[{"id": "beside", "sha256": digest(KEY), "tenant": "of-the-key"}],
        identity={
            "jwt": {"issuer": issuer.name, "audiences": [AUDIENCE], "jwks_file": str(key_file), "claims": CLAIMS},
            "models": ["gpt", "mini", "theirs"],
        },
        providers={"theirs": {"base_url": theirs.base_url, "dialect": "openai_chat", "auth": "passthrough"}},
        models={"theirs": f"theirs/{GPT}"},
    )


def good(issuer, **more):
    claims = {
        "aud": AUDIENCE,
        "sub": "zoë",
        "realm": {"org": "acme", "deep": {"project": "ranker"}},
        "https://acme.test/team.name": "search",
    }
    return issuer.token(**(claims | more))


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def test_a_token_needs_no_key_and_says_who_asks(world, gateway, issuer):
    for client in CLIENTS:
        answer = ask(gateway, client, "gpt", **bearer(good(issuer)))
        assert answer.status_code == 200, answer.text
        line = gateway.audited(answer)
        who = [line.get(name) for name in ("tenant", "team", "project", "user", "key_id")]
        assert who == ["acme", "search", "ranker", "zoë", None]
    assert world.openai.last.header("authorization") == f"Bearer {world.openai.key}"
    assert gateway.metric("tollgate_requests", tenant="acme", status="200") >= 3


@pytest.mark.parametrize("client", CLIENTS)
def test_a_token_that_is_not_good_is_401(world, gateway, issuer, client):
    other = Issuer()
    head, payload, signature = good(issuer).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"realm": {"org": "evil"}}).encode()).rstrip(b"=").decode()
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for why, token in {
        "of another key": good(other),
        "over": good(issuer, lasts=-3600),
        "without an end": good(issuer, exp=None),
        "for somebody else": good(issuer, aud="other"),
        "for nobody": good(issuer, aud=None),
        "of another issuer": good(issuer, iss="https://evil.test"),
        "forged": f"{head}.{forged}.{signature}",
        "unsigned": f"{unsigned}.{payload}.",
        "garbage": "a.b.c",
    }.items():
        answer = ask(gateway, client, "gpt", **bearer(token))
        assert "no valid token" in refused(client, answer, 401), why
        assert "tenant" not in gateway.audited(answer), why
    assert "or a token of https://issuer.test in `authorization`" in refused(client, ask(gateway, client, "gpt"), 401)
    assert not world.openai.requests


@pytest.mark.parametrize("client", CLIENTS)
def test_models_of_those_without_a_key(world, gateway, issuer, client):
    answer = ask(gateway, client, "claude", **bearer(good(issuer)))
    assert "may not use the model `claude`" in refused(client, answer, 403)
    assert ask(gateway, client, "claude", KEY).status_code == 200
    assert "claude" in model_names(gateway, client, KEY)


def test_what_the_key_says_comes_first(world, gateway, issuer):
    answer = ask(gateway, "anthropic", "claude", KEY, **bearer(good(issuer)))
    line = gateway.audited(answer)
    assert [line[name] for name in ("key_id", "tenant", "team", "user")] == ["beside", "of-the-key", "search", "zoë"]


@pytest.mark.parametrize("claim", [7, True, None, ["a"], {"a": "b"}, "", "a;b", "x" * 129, "two\nlines"])
def test_a_claim_that_is_no_name_is_nothing(world, gateway, issuer, claim):
    answer = ask(gateway, "openai", "gpt", **bearer(good(issuer, realm={"org": claim})))
    assert answer.status_code == 200
    line = gateway.audited(answer)
    assert (line.get("tenant"), line["user"]) == (None, "zoë")


def test_claims_cannot_be_sent_as_headers(world, gateway, issuer):
    answer = ask(
        gateway,
        "openai",
        "gpt",
        x_tenant="evil",
        x_user="evil",
        x_envoy_original_path="/health",
        **bearer(good(issuer, realm=None, sub=None)),
    )
    line = gateway.audited(answer)
    assert "tenant" not in line and "user" not in line


def test_a_token_never_reaches_a_provider(gateway, issuer, theirs):
    """Not even one that gets the client's own credential, which stands in the other header."""
    theirs.clear()
    token = good(issuer)
    answer = ask(gateway, "openai", "theirs", **bearer(token), x_api_key="sk-of-the-client")
    assert answer.status_code == 200, answer.text
    assert theirs.last.header("authorization") == "Bearer sk-of-the-client"
    assert token not in theirs.last.text()
    ask(gateway, "openai", "theirs", **bearer(token))
    assert all(token not in request.text() for request in theirs.requests)
    assert token not in gateway.log() and token.split(".")[2] not in json.dumps(gateway.audit())


class KeyServer:
    """An issuer's server of public keys."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuers = [issuer]
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                sets = [json.loads(issuer.key_set())["keys"] for issuer in outer.issuers]
                body = json.dumps({"keys": sum(sets, [])}).encode()
                self.send_response(200 if self.path == "/keys" else 404)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self) -> KeyServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/keys"


@pytest.fixture(scope="module")
def key_server(issuer):
    with KeyServer(issuer) as server:
        yield server


def test_keys_from_the_issuers_server_and_a_header_of_ones_own(make_gateway, world, issuer, key_server):
    jwt = {"issuer": issuer.name, "jwks_url": key_server.url, "header": "X-Jwt", "claims": {"tenant": "org"}}
    gateway = make_gateway(identity={"jwt": jwt})
    answer = ask(gateway, "openai", "gpt", x_jwt=issuer.token(org="fetched"))
    assert answer.status_code == 200, answer.text
    assert gateway.audited(answer)["tenant"] == "fetched"
    assert key_server.asked >= 1
    assert world.openai.last.header("x-jwt") is None
    refused("openai", ask(gateway, "openai", "gpt", x_jwt=Issuer().token(org="evil")), 401)
    refused("openai", ask(gateway, "openai", "gpt", **bearer(issuer.token(org="elsewhere"))), 401)


def test_a_token_beside_the_key(make_gateway, world, issuer, key_file):
    """`replaces_key: false`: it adds to what is known, and nobody comes in by it alone."""
    jwt = {"issuer": issuer.name, "jwks_file": str(key_file), "claims": {"user": "sub"}, "replaces_key": False}
    gateway = make_gateway(keys=[{"id": "k", "sha256": digest(KEY)}], identity={"jwt": jwt})
    refused("openai", ask(gateway, "openai", "gpt", **bearer(issuer.token(sub="zoë"))), 401)
    answer = ask(gateway, "anthropic", "gpt", KEY, **bearer(issuer.token(sub="zoë")))
    assert answer.status_code == 200 and gateway.audited(answer)["user"] == "zoë"
    assert ask(gateway, "openai", "gpt", KEY).status_code == 200
