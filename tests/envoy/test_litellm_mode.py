"""Everything through a LiteLLM proxy, or some of it, with direct providers when the proxy is down."""

from __future__ import annotations

import pytest

from support.answers import DIALECTS
from support.gateway import path_for
from support.sim import LiteLLMSim, fail
from support.world import CLAUDE, GPT

KEY = "sk-litellm-4a8a08f09d37b737"


@pytest.fixture(scope="module")
def proxy():
    with LiteLLMSim(KEY) as running:
        yield running


def mode(proxy, **more):
    return {"base_url": proxy.origin, "auth": "key", "api_key_env": "LITELLM_API_KEY"} | more


@pytest.mark.parametrize("client", DIALECTS)
def test_all(make_gateway, world, proxy, client):
    proxy.clear()
    gateway = make_gateway(
        {"litellm": mode(proxy, mode="all"), "providers": {}, "models": {}}, env={"LITELLM_API_KEY": KEY}
    )
    for model in ("gpt-4o", "claude-sonnet-4-5", "bedrock/whatever", "my-alias"):
        answer = gateway.ask(client, model)
        assert answer.status_code == 200, answer.text
        assert proxy.last.json["model"] == model
        assert answer.headers["x-tollgate-provider"] == "litellm"
    assert KEY in (
        proxy.last.header("authorization") or "",
        proxy.last.header("x-api-key") or "",
    ) or f"Bearer {KEY}" == proxy.last.header("authorization")
    # The proxy speaks both dialects, so nothing is translated on the way to it.
    assert proxy.last.path == path_for(client)
    line = gateway.audited(answer)
    assert line["provider"] == "litellm"
    streamed = gateway.ask(client, "my-alias", "long 5", stream=True)
    assert "w5" in streamed.text


def test_all_with_the_clients_own_key(make_gateway, proxy):
    proxy.clear()
    gateway = make_gateway(
        {"litellm": {"base_url": proxy.origin, "mode": "all", "auth": "passthrough"}, "providers": {}, "models": {}}
    )
    assert gateway.chat("gpt-4o", key=KEY).status_code == 200
    assert gateway.chat("gpt-4o", key="sk-wrong").status_code == 401
    assert proxy.last.header("authorization") == "Bearer sk-wrong"


def test_hybrid(make_gateway, world, proxy):
    proxy.clear()
    gateway = make_gateway(
        env={"LITELLM_API_KEY": KEY},
        litellm=mode(proxy, mode="hybrid"),
        models={
            "both": ["litellm/some-model", f"claude/{CLAUDE}"],
            "direct": f"openai/{GPT}",
            "anything/*": "litellm/*",
        },
    )
    assert gateway.chat("direct").headers["x-tollgate-provider"] == "openai"
    assert not proxy.requests
    assert gateway.chat("both").headers["x-tollgate-provider"] == "litellm"
    assert gateway.chat("anything/x").headers["x-tollgate-provider"] == "litellm"
    assert proxy.last.json["model"] == "x"
    proxy.script(fail(500))
    assert gateway.chat("both").headers["x-tollgate-provider"] == "claude"
    proxy.stop()
    try:
        for client in DIALECTS:
            answer = gateway.ask(client, "both")
            assert answer.status_code == 200
            assert answer.headers["x-tollgate-provider"] == "claude"
    finally:
        proxy.start()


def test_the_proxy_being_down_is_said_so(make_gateway, proxy):
    gateway = make_gateway(
        {"litellm": mode(proxy, mode="all"), "providers": {}, "models": {}}, env={"LITELLM_API_KEY": KEY}
    )
    proxy.stop()
    try:
        answer = gateway.chat("gpt-4o")
        assert answer.status_code == 503
        assert answer.json()["error"]["attempts"][0]["provider"] == "litellm"
    finally:
        proxy.start()
