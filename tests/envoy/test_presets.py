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
MAKERS = ("mistral", "deepseek", "moonshot")
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
def peers():
    strict = {maker: OpenAISim(KEY, maker=maker) for maker in MAKERS}
    with OpenAISim(KEY, compatible=True) as lenient:
        yield {name: lenient for name in REMOTE} | strict
    for sim in strict.values():
        sim.stop()


@pytest.fixture(scope="module")
def proxy():
    with LiteLLMSim(KEY) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(make_gateway, peers, proxy):
    # Some of them have an Anthropic endpoint as well, which an Anthropic client would get; here it is the other one.
    providers = {
        name: {"base_url": peer.base_url, "dialect": "openai_chat", "api_key_env": "PEER_KEY"}
        for name, peer in peers.items()
    }
    providers["through"] = {"preset": "litellm", "base_url": proxy.origin, "api_key_env": "PEER_KEY"}
    models = {name: f"{name}/some-model" for name in providers}
    models |= {
        "deepseek": "deepseek/deepseek-v4-pro",
        "deepseek-before": "deepseek/deepseek-reasoner",
        "mistral": "mistral/mistral-large-latest",
        "moonshot": "moonshot/kimi-k2.5",
    }
    return make_gateway({"providers": providers, "models": models}, env={"PEER_KEY": KEY})


@pytest.fixture(autouse=True)
def fresh(peers, proxy):
    sims = [*peers.values(), proxy]
    for sim in sims:
        sim.clear()
    yield
    assert not any(sim.faults for sim in sims)


@pytest.mark.parametrize("name", [*REMOTE, "moonshot"])
def test_the_key_and_the_older_dialect(gateway, peers, name):
    messages = [{"role": "developer", "content": "S"}, {"role": "user", "content": "hi"}]
    answer = gateway.chat(name, messages, max_completion_tokens=50)
    assert answer.status_code == 200, answer.text
    assert peers[name].last.header("authorization") == f"Bearer {KEY}"
    sent = peers[name].last.json
    assert sent["messages"][0]["role"] == "system", "the role `developer` is OpenAI's own"
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 50
    assert gateway.messages(name, stream=True).text.count("message_stop") > 0


def tool_history(ident, *then):
    """A turn with a tool, as Anthropic's clients say it; `then` stands beside its result."""
    result = {"type": "tool_result", "tool_use_id": ident, "content": "r"}
    return [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": ident, "name": "look", "input": {"q": "x"}}]},
        {"role": "user", "content": [result, *then]},
    ]


LOOK = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]


def test_mistral_tool_ids_are_nine_letters_and_digits(gateway, peers):
    answer = gateway.messages("mistral", tool_history("toolu_01AbCdEfGhIjKlMnOp"), tools=LOOK)
    assert answer.status_code == 200, answer.text
    messages = peers["mistral"].last.json["messages"]
    ident = messages[1]["tool_calls"][0]["id"]
    assert re.fullmatch(r"[a-zA-Z0-9]{9}", ident), ident
    assert messages[2]["tool_call_id"] == ident
    assert peers["mistral"].last.json.get("max_tokens") == 512


def test_mistral_gets_nobody_but_the_assistant_after_a_result(gateway, peers):
    # As Claude Code says it: a reminder beside the result.
    reminder = {"type": "text", "text": "mind the gap"}
    answer = gateway.messages("mistral", tool_history("toolu_01", reminder), tools=LOOK)
    assert answer.status_code == 200, answer.text
    assert answer.json()["content"][0]["text"] == "echo: mind the gap"
    roles = [message["role"] for message in peers["mistral"].last.json["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    asked = {"role": "user", "content": "go on"}
    answer = gateway.chat("mistral", [*openai_tool_history("call_01"), asked], tools=[TOOL], user="u", seed=4)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "echo: go on"


def test_mistral_gets_no_field_that_it_does_not_know(gateway, peers):
    messages = [
        {"role": "user", "content": "a", "name": "ann"},
        # As OpenAI answers, and clients send back.
        {"role": "assistant", "content": "b", "reasoning_content": "because", "refusal": None, "annotations": []},
        {"role": "user", "content": "c"},
    ]
    answer = gateway.chat(
        "mistral", messages, seed=4, user="u", reasoning_effort="low", safety_identifier="s", logprobs=False
    )
    assert answer.status_code == 200, answer.text
    sent = peers["mistral"].last.json
    assert sent["random_seed"] == 4
    assert [set(message) for message in sent["messages"]] == [{"role", "content"}] * 3


def test_mistral_tool_choice_and_prefill(gateway, peers):
    gateway.chat("mistral", tools=[TOOL], tool_choice="required", max_completion_tokens=9)
    sent = peers["mistral"].last.json
    assert sent["tool_choice"] == "any"
    assert sent["max_tokens"] == 9 and "max_completion_tokens" not in sent
    begun = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "{"}]
    answer = gateway.chat("mistral", begun)
    assert answer.status_code == 200, answer.text
    assert peers["mistral"].last.json["messages"][-1]["prefix"] is True


def openai_tool_history(ident):
    """A turn with a tool, as OpenAI's clients say it."""
    function = {"name": "look", "arguments": "{}"}
    return [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": ident, "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": ident, "content": "r"},
    ]


@pytest.mark.parametrize("name", ["deepseek", "moonshot"])
@pytest.mark.parametrize("stream", [False, True])
def test_models_that_think_unasked_take_the_turns_with_tools_of_others(gateway, peers, name, stream):
    # Whoever began the conversation may have been another model, and nothing is known of its reasoning.
    then = [{"role": "assistant", "content": "done"}, {"role": "user", "content": "and now?"}]
    for answer in (
        gateway.messages(name, [*tool_history("toolu_01"), *then], tools=LOOK, stream=stream),
        gateway.chat(name, [*openai_tool_history("call_01"), *then], tools=[TOOL], stream=stream),
    ):
        assert answer.status_code == 200, answer.text
        assert peers[name].last.json["messages"][1]["reasoning_content"] == ""
    answer = gateway.chat(name, "x", tools=[TOOL], tool_choice="required")
    assert answer.status_code == 200, answer.text
    assert "tool_choice" in answer.headers["x-tollgate-warnings"]


@pytest.mark.parametrize("name", ["deepseek", "moonshot"])
def test_the_reasoning_of_a_turn_with_tools_comes_back_to_its_model(gateway, peers, name):
    asked = [{"role": "user", "content": "look there"}]
    first = gateway.messages(name, asked, tools=LOOK).json()
    kinds = [block["type"] for block in first["content"]]
    assert kinds == ["thinking", "text", "tool_use"]
    used = first["content"][2]["id"]
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": used, "content": "r"}]}
    second = gateway.messages(name, [*asked, {"role": "assistant", "content": first["content"]}, result], tools=LOOK)
    assert second.status_code == 200, second.text
    assert peers[name].last.json["messages"][1]["reasoning_content"] == first["content"][0]["thinking"]
    assert second.json()["content"][-1]["text"] == "tools said: r"

    call = gateway.chat(name, asked, tools=[TOOL]).json()["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": call["tool_calls"][0]["id"], "content": "r"}
    answer = gateway.chat(name, [*asked, call, result], tools=[TOOL])
    assert answer.status_code == 200, answer.text
    assert peers[name].last.json["messages"][1]["reasoning_content"] == call["reasoning_content"]


def test_deepseek_before_v4_does_not_get_old_reasoning_back(gateway, peers):
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "reasoning_content": "old thought"},
        {"role": "user", "content": "c"},
    ]
    answer = gateway.chat("deepseek-before", messages)
    assert answer.status_code == 200, answer.text
    assert "old thought" not in peers["deepseek"].last.body.decode()


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
