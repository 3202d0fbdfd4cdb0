"""Providers behind TLS with a private CA and SNI over both HTTP versions, and a listener behind TLS."""

from __future__ import annotations

import ssl

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


def provider(sim, ca, **more):
    tls = {"ca_file": str(ca.ca_file), "sni": "llm.internal.test"} | more.pop("tls", {})
    return {"base_url": sim.base_url, "dialect": "openai_chat", "api_key_env": "OPENAI_TEST_KEY", "tls": tls} | more


@pytest.mark.parametrize(
    ("alpn", "protocol", "wanted"),
    [
        (("h2", "http/1.1"), "auto", "HTTP/2"),
        (("http/1.1",), "auto", "HTTP/1.1"),
        (("h2", "http/1.1"), "http1", "HTTP/1.1"),
        (("h2",), "http2", "HTTP/2"),
    ],
)
def test_sni_and_private_ca(make_gateway, world, ca, alpn, protocol, wanted):
    with OpenAISim(SECRETS["OPENAI_TEST_KEY"], tls=ca.server("llm.internal.test", alpn=alpn)) as sim:
        gateway = make_gateway(providers={"safe": provider(sim, ca, protocol=protocol)}, models={"safe": f"safe/{GPT}"})
        for client in DIALECTS:
            assert gateway.ask(client, "safe").status_code == 200
            assert "w30" in gateway.ask(client, "safe", "long 30", stream=True).text
        assert gateway.chat("safe", "x" * 2_000_000).status_code == 200
        assert {request.protocol for request in sim.requests} == {wanted}
        assert {request.sni for request in sim.requests} == {"llm.internal.test"}
        assert not sim.faults


def test_a_certificate_of_another_ca_is_refused(make_gateway, world, ca, stranger):
    with OpenAISim(SECRETS["OPENAI_TEST_KEY"], tls=stranger.server("llm.internal.test")) as sim:
        gateway = make_gateway(
            providers={"false": provider(sim, ca)}, models={"false": f"false/{GPT}", "saved": [f"false/{GPT}", f"openai/{GPT}"]}
        )
        answer = gateway.chat("false")
        assert answer.status_code == 503
        assert not sim.requests
        assert gateway.chat("saved").headers["x-tollgate-provider"] == "openai"


def test_a_certificate_for_another_name_is_refused(make_gateway, world, ca):
    with OpenAISim(SECRETS["OPENAI_TEST_KEY"], tls=ca.server("other.test")) as sim:
        gateway = make_gateway(providers={"false": provider(sim, ca)}, models={"false": f"false/{GPT}"})
        assert gateway.chat("false").status_code == 503
        assert not sim.requests


def test_an_https_provider_without_a_ca_trusts_the_system_only(make_gateway, world, ca):
    with OpenAISim(SECRETS["OPENAI_TEST_KEY"], tls=ca.server("localhost", "127.0.0.1")) as sim:
        plain = {"base_url": sim.base_url, "dialect": "openai_chat", "api_key_env": "OPENAI_TEST_KEY"}
        gateway = make_gateway(providers={"false": plain}, models={"false": f"false/{GPT}"})
        assert gateway.chat("false").status_code == 503
        assert not sim.requests


@pytest.mark.parametrize("version", [{"http2": False}, {"http1": False, "http2": True}], ids=["http1", "http2"])
def test_a_listener_behind_tls(make_gateway, world, ca, tmp_path, version):
    cert, key = ca.files(tmp_path, "gateway.test")
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
