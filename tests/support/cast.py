"""One simulated provider for each dialect behind one gateway: who asks through what, and who answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .gateway import Gateway
from .sim import (
    AnthropicSim,
    BedrockSim,
    CohereSim,
    GeminiSim,
    OllamaSim,
    OpenAIResponsesSim,
    OpenAISim,
    Simulator,
)

KEYS = {
    "CAST_OPENAI_KEY": "sk-cast-3f79bb7b435b0532",
    "CAST_ANTHROPIC_KEY": "sk-ant-cast-e9d71f5ee7c92d6d",
    "CAST_COHERE_KEY": "co-cast-1679091c5a880faf",
    "CAST_GEMINI_KEY": "AIzaCast-8f14e45fceea167a",
    "CAST_BEDROCK_KEY": "bedrock-api-key-c9f0f895fb98ab91",
}
MODELS = {
    "openai_chat": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "openai_responses": "gpt-4o",
    "gemini": "gemini-2.5-flash",
    "cohere": "command-a-03-2025",
    "bedrock": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "ollama": "llama3.2",
}
REASONERS = MODELS | {
    "openai_chat": "gpt-5-mini",
    "openai_responses": "gpt-5-mini",
    "gemini": "gemini-3-flash-preview",
    "cohere": "command-a-reasoning-08-2025",
    "ollama": "qwen3",
}
UNFORCED = {"ollama"}
"""the dialects that have no word for a call that must be made"""


def others(*own: str) -> list[str]:
    """Every dialect of a provider but the client's own."""
    return [dialect for dialect in MODELS if dialect not in own]


class Cast:
    """The providers by dialect. Each is the only target of a model of its name, and of `<name>-thinking`."""

    def __init__(self) -> None:
        self.sims: dict[str, Simulator] = {
            "openai_chat": OpenAISim(KEYS["CAST_OPENAI_KEY"]),
            "anthropic": AnthropicSim(KEYS["CAST_ANTHROPIC_KEY"]),
            "openai_responses": OpenAIResponsesSim(KEYS["CAST_OPENAI_KEY"]),
            "gemini": GeminiSim(KEYS["CAST_GEMINI_KEY"]),
            "cohere": CohereSim(KEYS["CAST_COHERE_KEY"]),
            "bedrock": BedrockSim(KEYS["CAST_BEDROCK_KEY"]),
            "ollama": OllamaSim(),
        }
        self.gateway: Gateway

    def config(self) -> dict[str, Any]:
        """The gateway.yaml over all of them."""
        more = {
            "openai_chat": {"api_key_env": "CAST_OPENAI_KEY"},
            "anthropic": {
                "preset": "anthropic",
                "api_key_env": "CAST_ANTHROPIC_KEY",
                "forward_headers": ["anthropic-beta"],
            },
            "openai_responses": {"api_key_env": "CAST_OPENAI_KEY"},
            "gemini": {"preset": "gemini", "api_key_env": "CAST_GEMINI_KEY"},
            "cohere": {"preset": "cohere", "api_key_env": "CAST_COHERE_KEY"},
            "bedrock": {"preset": "bedrock", "api_key_env": "CAST_BEDROCK_KEY"},
            # No preset: that one also speaks OpenAI's dialect, and its clients would be answered untranslated.
            "ollama": {"auth": "none"},
        }
        providers = {
            name: {"base_url": sim.base_url, **({} if "preset" in more[name] else {"dialect": name}), **more[name]}
            for name, sim in self.sims.items()
        }
        models = {name: f"{name}/{model}" for name, model in MODELS.items()}
        models |= {f"{name}-thinking": f"{name}/{model}" for name, model in REASONERS.items()}
        return {"providers": providers, "models": models}

    def start(self, directory: Path) -> None:
        """Starts the gateway."""
        self.gateway = Gateway(self.config(), directory, KEYS)

    def __getitem__(self, dialect: str) -> Simulator:
        return self.sims[dialect]

    def clear(self) -> None:
        """Before every test: no scripts, no records."""
        for sim in self.sims.values():
            sim.clear()

    def faults(self) -> list[str]:
        """What any provider found wrong with framing or headers."""
        return [f"{sim.name}: {fault}" for sim in self.sims.values() for fault in sim.faults]

    def stop(self) -> None:
        """Ends everything."""
        try:
            self.gateway.assert_sound()
        finally:
            self.gateway.stop()
            for sim in self.sims.values():
                sim.stop()
