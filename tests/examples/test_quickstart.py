"""examples/quickstart, as its README tells it."""

from __future__ import annotations

from support.sim import AnthropicSim, OpenAISim, fail


def test_it(run_example):
    with OpenAISim("sk-o") as openai, AnthropicSim("sk-a") as claude:
        env = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a"}
        gateway = run_example("quickstart", {"openai": openai.base_url, "anthropic": claude.base_url}, env)
        answer = gateway.chat("smart", "Good morning")
        assert answer.json()["choices"][0]["message"]["content"] == "echo: Good morning"
        assert (answer.headers["x-tollgate-provider"], answer.headers["x-tollgate-attempts"]) == ("anthropic", "1")
        assert float(answer.headers["x-tollgate-cost"]) > 0
        claude.script(fail(529))
        answer = gateway.messages("smart", "Good morning")
        assert answer.json()["content"][0]["text"] == "echo: Good morning"
        assert (answer.headers["x-tollgate-provider"], answer.headers["x-tollgate-attempts"]) == ("openai", "2")
        assert gateway.audited(answer)["model"] == "gpt-4o"
        assert gateway.metric("tollgate_requests") >= 2
        assert gateway.chat("gpt-4o").status_code == gateway.messages("claude").status_code == 200
