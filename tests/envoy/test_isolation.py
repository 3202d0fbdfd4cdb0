"""What one provider must never see of another, and secrets that must be nowhere."""

from __future__ import annotations

import pytest

from support.answers import DIALECTS
from support.sim import cut, fail, reset, stream_error
from support.world import SECRETS


def traffic(gateway, world):
    for dialect in DIALECTS:
        for model in ("gpt-then-claude", "claude-then-gpt", "three", "gpt", "claude", "dead-then-claude"):
            for streamed in (False, True):
                more = {"stream": True} if streamed else {}
                gateway.ask(dialect, model, **more)
                world.openai.script(fail(503))
                world.claude.script(fail(401))
                gateway.ask(dialect, model, **more)
                for sim in world.sims:
                    sim._scripted.clear()  # noqa: SLF001
        world.openai.script(reset(), stream_error(0), fail(429, "1"))
        world.claude.script(fail(500), stream_error(2))
        world.second.script(fail(400))
        for _ in range(3):
            gateway.ask(dialect, "three", stream=True)
        for sim in world.sims:
            sim._scripted.clear()  # noqa: SLF001


def test_no_provider_sees_anything_of_another(gateway, world):
    traffic(gateway, world)
    keys = {
        world.openai: SECRETS["OPENAI_TEST_KEY"],
        world.claude: SECRETS["ANTHROPIC_TEST_KEY"],
        world.second: SECRETS["SECOND_TEST_KEY"],
    }
    assert all(len(sim.requests) > 5 for sim in world.sims)
    for sim in world.sims:
        others = [key for other, key in keys.items() if other is not sim]
        ports = [str(other.port) for other in world.sims if other is not sim] + [gateway.url.rsplit(":", 1)[1]]
        for request in sim.requests:
            text = request.text()
            for key in others:
                assert key not in text
            for port in ports:
                assert f"127.0.0.1:{port}" not in text
            for name, value in request.headers:
                assert not name.startswith(("x-tollgate", "x-envoy", "x-gw", "x-forwarded-for")), (name, value)
                assert name == "user-agent" or ("provider_" not in value and "tollgate" not in value.lower())
            for word in ("gpt-then-claude", "claude-then-gpt", '"three"', "dead-then"):
                assert word not in text, "the public model name is the gateway's own business"
            if sim is world.claude:
                assert "openai" not in text.lower() and request.header("authorization") is None
            else:
                assert "anthropic" not in text.lower() and request.header("x-api-key") is None


@pytest.mark.parametrize("place", ["rendered", "audit", "log", "answers", "metrics", "config_dump"])
def test_secrets_are_nowhere(gateway, world, place):
    world.openai.script(fail(401))
    answers = [gateway.chat("gpt"), gateway.chat("dead"), gateway.messages("none-such")]
    world.claude.script(cut(1))
    texts = {
        "rendered": lambda: gateway.rendered.read_text() if gateway.rendered.is_file() else "",
        "audit": lambda: gateway.envoy.out_file.read_text(),
        "log": gateway.log,
        "answers": lambda: "".join(answer.text + str(answer.headers) for answer in answers),
        "metrics": lambda: gateway.envoy.ask("/stats/prometheus") + gateway.envoy.ask("/stats"),
        "config_dump": lambda: gateway.envoy.ask("/config_dump"),
    }
    text = texts[place]()
    for name, secret in SECRETS.items():
        assert secret not in text, f"{name} is in {place}"


def test_the_rendered_file_names_the_variables_only(gateway):
    text = gateway.rendered.read_text()
    for name in SECRETS:
        assert name in text
