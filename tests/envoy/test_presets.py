"""Presets: where each provider is, how it is authenticated, and what it says differently from its dialect's maker."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from support.gateway import render
from support.sim import LiteLLMSim, OpenAISim

HOSTS = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "deepseek": "api.deepseek.com",
    "mistral": "api.mistral.ai",
    "groq": "api.groq.com",
    "xai": "api.x.ai",
    "openrouter": "openrouter.ai",
    "together": "api.together.xyz",
    "fireworks": "api.fireworks.ai",
    "perplexity": "api.perplexity.ai",
    "cerebras": "api.cerebras.ai",
    "github_copilot": "api.githubcopilot.com",
}
LOCAL = {"ollama": 11434, "llamacpp": 8080, "vllm": 8000, "sglang": 30000, "lmstudio": 1234, "litellm": 4000}
REMOTE = ["mistral", "deepseek", "groq", "xai", "openrouter", "together", "fireworks", "cerebras"]
KEY = "sk-peer-900150983cd24fb0"
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}},
}


def test_where_they_are(tmp_path):
    config = {"providers": {name: {} for name in [*HOSTS, *LOCAL]}, "models": {"*": "openai/*"}}
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(config))
    render(tmp_path / "gateway.yaml", tmp_path / "envoy.yaml")
    clusters = {
        one["name"]: one
        for one in yaml.safe_load((tmp_path / "envoy.yaml").read_text())["static_resources"]["clusters"]
    }
    for name, host in HOSTS.items():
        text = json.dumps(clusters[f"provider_{name}"])
        address = re.search(r'"socket_address": \{"address": "([^"]+)", "port_value": (\d+)', text)
        assert (address[1], address[2]) == (host, "443"), name
        assert f'"sni": "{host}"' in text or '"auto_host_sni": true' in text, name
        assert "trusted_ca" in text or "system_root_certs" in text, f"{name}: nobody's certificate is checked"
    for name, port in LOCAL.items():
        assert f'"port_value": {port}' in json.dumps(clusters[f"provider_{name}"]), name


@pytest.fixture(scope="module")
def peer():
    with OpenAISim(KEY, compatible=True) as running:
        yield running


@pytest.fixture(scope="module")
def proxy():
    with LiteLLMSim(KEY) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(make_gateway, peer, proxy):
    # Some of them have an Anthropic endpoint as well, which an Anthropic client would get; here it is the other one.
    providers = {
        name: {"base_url": peer.base_url, "dialect": "openai_chat", "api_key_env": "PEER_KEY"} for name in REMOTE
    }
    providers["through"] = {"preset": "litellm", "base_url": proxy.origin, "api_key_env": "PEER_KEY"}
    models = {name: f"{name}/some-model" for name in providers}
    models["deepseek"] = "deepseek/deepseek-chat"
    return make_gateway({"providers": providers, "models": models}, env={"PEER_KEY": KEY})


@pytest.fixture(autouse=True)
def fresh(peer, proxy):
    peer.clear()
    proxy.clear()
    yield
    assert not peer.faults and not proxy.faults


@pytest.mark.parametrize("name", REMOTE)
def test_the_key_and_the_older_dialect(gateway, peer, name):
    messages = [{"role": "developer", "content": "S"}, {"role": "user", "content": "hi"}]
    answer = gateway.chat(name, messages, max_completion_tokens=50)
    assert answer.status_code == 200, answer.text
    assert peer.last.header("authorization") == f"Bearer {KEY}"
    sent = peer.last.json
    assert sent["messages"][0]["role"] == "system", "the role `developer` is OpenAI's own"
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 50
    assert gateway.messages(name, stream=True).text.count("message_stop") > 0


def tool_history(ident):
    return [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": ident, "name": "look", "input": {"q": "x"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": ident, "content": "r"}]},
    ]


def test_mistral_tool_ids_are_nine_letters_and_digits(gateway, peer):
    tools = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
    answer = gateway.messages("mistral", tool_history("toolu_01AbCdEfGhIjKlMnOp"), tools=tools)
    assert answer.status_code == 200, answer.text
    messages = peer.last.json["messages"]
    ident = messages[1]["tool_calls"][0]["id"]
    assert re.fullmatch(r"[a-zA-Z0-9]{9}", ident), ident
    assert messages[2]["tool_call_id"] == ident
    assert peer.last.json.get("max_tokens") == 512


def test_mistral_tool_choice_and_prefill(gateway, peer):
    gateway.chat("mistral", tools=[TOOL], tool_choice="required", max_completion_tokens=9)
    assert peer.last.json["tool_choice"] == "any"
    assert peer.last.json["max_tokens"] == 9 and "max_completion_tokens" not in peer.last.json
    gateway.chat("mistral", [{"role": "user", "content": "a"}, {"role": "assistant", "content": "{"}])
    assert peer.last.json["messages"][-1]["prefix"] is True


def test_deepseek_does_not_get_old_reasoning_back(gateway, peer):
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "reasoning_content": "old thought"},
        {"role": "user", "content": "c"},
    ]
    assert gateway.chat("deepseek", messages).status_code == 200
    assert "old thought" not in peer.last.body.decode()


def test_litellm_gets_thoughts_back_with_their_signature(gateway, proxy):
    messages = [
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": "b",
            "thinking_blocks": [{"type": "thinking", "thinking": "T", "signature": "sig"}],
        },
        {"role": "user", "content": "c"},
    ]
    assert gateway.chat("through", messages, reasoning_effort="low").status_code == 200
    assert proxy.last.json["messages"][1]["thinking_blocks"][0]["signature"] == "sig"
    assert proxy.last.json["reasoning_effort"] == "low"
