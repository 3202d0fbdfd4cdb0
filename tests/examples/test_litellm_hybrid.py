"""examples/litellm-hybrid: the proxy works, then it is gone."""

from __future__ import annotations

from support.sim import AnthropicSim, LiteLLMSim, OpenAISim


def test_it(run_example):
    proxy = LiteLLMSim("sk-l")
    with OpenAISim("sk-o") as openai, AnthropicSim("sk-a") as claude, proxy:
        env = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a", "LITELLM_API_KEY": "sk-l"}
        addresses = {"openai": openai.base_url, "anthropic": claude.base_url, "litellm": proxy.origin}
        gateway = run_example("litellm-hybrid", addresses, env)
        assert gateway.chat("gpt-4o").headers["x-tollgate-provider"] == "openai"
        assert gateway.chat("claude").headers["x-tollgate-provider"] == "litellm"
        assert proxy.last.json["model"] == "claude-sonnet"
        assert gateway.chat("litellm/mistral-large").status_code == 200
        assert proxy.last.json["model"] == "mistral-large"
        proxy.stop()
        for ask in (gateway.chat, gateway.messages):
            answer = ask("claude", "Still there?")
            assert answer.status_code == 200
            assert (answer.headers["x-tollgate-provider"], answer.headers["x-tollgate-attempts"]) == ("anthropic", "2")
