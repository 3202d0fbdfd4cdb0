"""examples/teams, as its README tells it."""

from __future__ import annotations

from support.gateway import bearer
from support.sim import AnthropicSim, OpenAISim


def test_it(run_example):
    with OpenAISim("sk-o") as openai, AnthropicSim("sk-a") as claude:
        env = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a"}
        gateway = run_example("teams", {"openai": openai.base_url, "anthropic": claude.base_url}, env)

        def models(key):
            listed = gateway.http.get("/v1/models", headers=bearer(key)).json()["data"]
            return {model["id"] for model in listed}

        assert (models("tg-guest"), models("tg-search")) == ({"small"}, {"small", "smart"})
        assert gateway.chat("smart").status_code == 401
        refused = gateway.chat("smart", key="tg-guest")
        assert refused.status_code == 403 and "may not use the model `smart`" in refused.text
        statuses = [gateway.chat("small", key="tg-guest") for _ in range(4)]
        assert [answer.status_code for answer in statuses] == [200, 200, 200, 429]
        assert int(statuses[3].headers["retry-after"]) > 0

        headers = bearer("tg-search") | {"x-agent-type": "reviewer"}
        body = {"model": "default", "messages": [{"role": "user", "content": "Good morning"}]}
        answer = gateway.http.post("/v1/chat/completions", json=body, headers=headers)
        assert answer.json()["choices"][0]["message"]["content"] == "echo: Good morning"
        line = gateway.audited(answer)
        who = [line[name] for name in ("key_id", "tenant", "team", "project", "agent")]
        assert who == ["search", "acme", "search", "ranker", "reviewer"]
        charged = {"tenant": "acme", "project": "ranker", "agent": "reviewer"}
        assert gateway.metric("tollgate_charged_microdollars", **charged) == round(line["cost_usd"] * 1e6)

        state = gateway.http.get("/v1/budget", headers=bearer("tg-search"))
        assert state.status_code == 200 and "acme-month" in state.text and "teams-day" in state.text
        assert gateway.chat("smart", key="tg-admin").status_code == 200
