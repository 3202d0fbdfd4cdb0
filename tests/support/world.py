"""The standard cast: two OpenAIs, an Anthropic, a port nobody listens on, and one gateway before them."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from .gateway import Gateway
from .sim import AnthropicSim, OpenAISim, Simulator

GPT = "gpt-4o"
CLAUDE = "claude-sonnet-4-5"
SECRETS = {
    "OPENAI_TEST_KEY": "sk-first-7f3a9c51e2d84b60",
    "ANTHROPIC_TEST_KEY": "sk-ant-second-b1946ac92492d234",
    "SECOND_TEST_KEY": "sk-third-0cc175b9c0f1b6a8",
}


def dead_port() -> int:
    """A port that refuses: bound once and let go."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class World:
    """Simulators and the configuration over them; `gateway` once `start` has run."""

    def __init__(self) -> None:
        self.openai = OpenAISim(SECRETS["OPENAI_TEST_KEY"])
        self.claude = AnthropicSim(SECRETS["ANTHROPIC_TEST_KEY"])
        self.second = OpenAISim(SECRETS["SECOND_TEST_KEY"])
        self.sims: list[Simulator] = [self.openai, self.claude, self.second]
        self._dead = dead_port()

    def config(self, **more: Any) -> dict[str, Any]:
        """The standard gateway.yaml; `more` replaces or adds top-level parts, `models` and `providers` are merged."""
        providers = {
            "openai": {"base_url": self.openai.base_url, "dialect": "openai_chat", "api_key_env": "OPENAI_TEST_KEY"},
            "claude": {"preset": "anthropic", "base_url": self.claude.base_url, "api_key_env": "ANTHROPIC_TEST_KEY"},
            "second": {"base_url": self.second.base_url, "dialect": "openai_chat", "api_key_env": "SECOND_TEST_KEY"},
            "dead": {
                "base_url": f"http://127.0.0.1:{self._dead}/v1",
                "dialect": "openai_chat",
                "auth": "none",
                "connect_timeout": "1s",
            },
        }
        models = {
            "gpt": f"openai/{GPT}",
            "claude": f"claude/{CLAUDE}",
            "mini": "openai/gpt-5-mini",
            "old-claude": "claude/claude-3-5-haiku-20241022",
            "gpt-then-claude": [f"openai/{GPT}", f"claude/{CLAUDE}"],
            "claude-then-gpt": [f"claude/{CLAUDE}", f"openai/{GPT}"],
            "gpt-then-second": [f"openai/{GPT}", "second/gpt-4.1"],
            "three": [f"openai/{GPT}", "second/gpt-4.1", f"claude/{CLAUDE}"],
            "dead-then-gpt": ["dead/nothing", f"openai/{GPT}"],
            "dead-then-claude": ["dead/nothing", f"claude/{CLAUDE}"],
            "dead": "dead/nothing",
            "quick": {"targets": [f"openai/{GPT}", f"claude/{CLAUDE}"], "timeout": "1s"},
            "strict": {"targets": [f"claude/{CLAUDE}"], "drop_params": False},
            "tuned": {
                "targets": [
                    {
                        "provider": "openai",
                        "model": "gpt-4.1",
                        "max_tokens": 17,
                        "params": {"temperature": 0.2, "seed": 5},
                    }
                ]
            },
            "best": {"targets": ["claude/claude-opus-4-1"], "aliases": ["default", "claude-3-5-sonnet-latest"]},
            "anthropic/*": "claude/*",
            "any/*": "openai/*",
        }
        base: dict[str, Any] = {
            "providers": providers | more.pop("providers", {}),
            "models": models | more.pop("models", {}),
        }
        # A 429 of one test is no reason for the next one to find its provider passed over.
        breaker = {"max_cooldown": "0s"} | more.get("defaults", {}).get("circuit_breaker", {})
        more["defaults"] = more.get("defaults", {}) | {"circuit_breaker": breaker}
        return base | more

    def start(self, directory: Path, env: dict[str, str] | None = None, **more: Any) -> Gateway:
        """A gateway over this world's simulators."""
        return Gateway(self.config(**more), directory, SECRETS | (env or {}))

    def sim(self, dialect: str) -> Simulator:
        """The provider that speaks this dialect."""
        return self.openai if dialect == "openai_chat" else self.claude

    def clear(self) -> None:
        """Before every test: no scripts, no records."""
        for sim in self.sims:
            sim.clear()

    def faults(self) -> list[str]:
        """What any simulator found wrong with framing or headers."""
        return [f"{sim.name}: {fault}" for sim in self.sims for fault in sim.faults]

    def stop(self) -> None:
        """Ends the simulators."""
        for sim in self.sims:
            sim.stop()


def model_for(dialect: str) -> str:
    """The public model behind which a provider of this dialect stands alone."""
    return "gpt" if dialect == "openai_chat" else "claude"
