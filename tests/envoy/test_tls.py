"""Providers behind TLS with a private CA and SNI over both HTTP versions, and a listener behind TLS."""

from __future__ import annotations

import ssl
from contextlib import ExitStack

import httpx
import pytest

from support.answers import DIALECTS
from support.sim import OpenAISim
from support.sim.tls import PrivateCA
from support.world import GPT, SECRETS


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return PrivateCA(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return PrivateCA(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def listener_files(ca, tmp_path_factory):
    return ca.files(tmp_path_factory.mktemp("listener"), "gateway.test")


def provider(sim, ca, **more):
    tls = {"ca_file": str(ca.ca_file), "sni": "llm.internal.test"} | more.pop("tls", {})
    return {"base_url": sim.base_url, "dialect": "openai_chat", "api_key_env": "OPENAI_TEST_KEY", "tls": tls} | more


KINDS = {
    "both-auto": (("h2", "http/1.1"), "auto", "HTTP/2"),
    "one-auto": (("http/1.1",), "auto", "HTTP/1.1"),
    "both-one": (("h2", "http/1.1"), "http1", "HTTP/1.1"),
    "two-two": (("h2",), "http2", "HTTP/2"),
}


@pytest.fixture(scope="module")
def safe(make_gateway, ca, stranger):
    """One gateway before four good providers and three that must not be trusted."""
    key = SECRETS["OPENAI_TEST_KEY"]
    with ExitStack() as stack:
        sims = {
            name: stack.enter_context(OpenAISim(key, tls=ca.server("llm.internal.test", alpn=alpn)))
            for name, (alpn, _, _) in KINDS.items()
        }
        sims["other-ca"] = stack.enter_context(OpenAISim(key, tls=stranger.server("llm.internal.test")))
        sims["other-name"] = stack.enter_context(OpenAISim(key, tls=ca.server("other.test")))
        sims["no-ca"] = stack.enter_context(OpenAISim(key, tls=ca.server("localhost", "127.0.0.1")))
        providers = {name: provider(sims[name], ca, protocol=protocol) for name, (_, protocol, _) in KINDS.items()}
        providers |= {name: provider(sims[name], ca) for name in ("other-ca", "other-name")}
        providers["no-ca"] = {
            "base_url": sims["no-ca"].base_url,
            "dialect": "openai_chat",
            "api_key_env": "OPENAI_TEST_KEY",
        }
        models = {name: f"{name}/{GPT}" for name in providers} | {"saved": [f"other-ca/{GPT}", f"openai/{GPT}"]}
        models |= {
            f"soon-{name}": [{"provider": name, "model": GPT, "timeout": "20s"}, f"openai/{GPT}"]
            for name in (*KINDS, "other-ca")
        }
        yield make_gateway(providers=providers, models=models), sims


@pytest.mark.parametrize("way", ["", "soon-"], ids=["directly", "by-a-time-limit"])
@pytest.mark.parametrize("kind", KINDS)
def test_sni_and_private_ca(world, safe, kind, way):
    gateway, sims = safe
    sim = sims[kind]
    sim.clear()
    for client in DIALECTS:
        assert gateway.ask(client, way + kind).status_code == 200
        assert "w30" in gateway.ask(client, way + kind, "long 30", stream=True).text
    assert gateway.chat(way + kind, "x" * 2_000_000).status_code == 200
    assert len(sim.requests) == 5 and not world.openai.requests
    assert {request.protocol for request in sim.requests} == {KINDS[kind][2]}
    assert {request.sni for request in sim.requests} == {"llm.internal.test"}
    assert not sim.faults


@pytest.mark.parametrize("kind", ["other-ca", "other-name", "no-ca"])
def test_a_wrong_certificate_is_refused(world, safe, kind):
    """Signed by another CA, for another name, or by a CA that nobody named as trusted."""
    gateway, sims = safe
    answer = gateway.chat(kind)
    assert answer.status_code == 503
    assert not sims[kind].requests


def test_the_next_target_answers_for_a_provider_that_is_not_trusted(world, safe):
    for model in ("saved", "soon-other-ca"):
        assert safe[0].chat(model).headers["x-tollgate-provider"] == "openai"


@pytest.mark.parametrize("version", [{"http2": False}, {"http1": False, "http2": True}], ids=["http1", "http2"])
def test_a_listener_behind_tls(make_gateway, world, ca, listener_files, version):
    cert, key = listener_files
    gateway = make_gateway(server={"tls": {"cert_file": str(cert), "key_file": str(key)}})
    trust = ssl.create_default_context(cafile=str(ca.ca_file))
    with httpx.Client(base_url=gateway.url, verify=trust, **version) as client:
        answer = client.post(
            "/v1/chat/completions",
            json={"model": "gpt", "messages": [{"role": "user", "content": "safe"}]},
            extensions={"sni_hostname": "gateway.test"},
        )
        assert answer.json()["choices"][0]["message"]["content"] == "echo: safe"
        assert answer.http_version == ("HTTP/2" if version["http2"] else "HTTP/1.1")
