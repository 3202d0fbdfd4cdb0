"""A gateway before an OpenAI and an Anthropic with all their services, and a second OpenAI to fall back on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .gateway import Gateway
from .sim import AnthropicServicesSim, AnthropicSim, OpenAIServicesSim

KEYS = {
    "SERVICES_KEY": "sk-services-5d41402abc4b2a76",
    "BACKUP_KEY": "sk-backup-7d793037a0760186",
    "CLAUDE_KEY": "sk-ant-services-e4da3b7fbbce2345",
}
CLIENT_KEY = "tg-client-1679091c5a880faf"
CLIENT_SHA256 = "5272fd8200f126ba8e3ab546305f6106394470e54e3bd2fe5db65d0e02cc8536"


@dataclass
class Services:
    """The simulators, and the gateway before them."""

    openai: OpenAIServicesSim
    backup: OpenAIServicesSim
    claude: AnthropicServicesSim
    chat: AnthropicSim
    gateway: Gateway

    def clear(self) -> None:
        """Before every test: no scripts, no records, no files."""
        for sim in (self.openai, self.backup, self.claude, self.chat):
            sim.clear()
        self.openai.uploaded.clear()

    def faults(self) -> list[str]:
        """What any simulator found wrong with framing or headers."""
        return [fault for sim in (self.openai, self.backup, self.claude, self.chat) for fault in sim.faults]


def running(make_gateway: Callable[..., Gateway]) -> Iterator[Services]:
    """The whole of it, for a fixture."""
    openai, backup = OpenAIServicesSim(KEYS["SERVICES_KEY"]), OpenAIServicesSim(KEYS["BACKUP_KEY"])
    claude = AnthropicServicesSim(KEYS["CLAUDE_KEY"])
    chat = AnthropicSim(KEYS["CLAUDE_KEY"])
    config: dict[str, Any] = {
        "providers": {
            "openai": {"base_url": openai.base_url, "api_key_env": "SERVICES_KEY"},
            "backup": {"preset": "openai", "base_url": backup.base_url, "api_key_env": "BACKUP_KEY"},
            "anthropic": {"base_url": claude.base_url, "api_key_env": "CLAUDE_KEY"},
            "chat_only": {"preset": "anthropic", "base_url": chat.base_url, "api_key_env": "CLAUDE_KEY", "services": []},
        },
        "models": {
            "instruct": "openai/gpt-3.5-turbo-instruct",
            "gpt": "openai/gpt-4o",
            "any/*": "openai/*",
            "talk": "chat_only/claude-sonnet-4-5",
            "instruct-then-talk": ["openai/davinci-002", "chat_only/claude-sonnet-4-5"],
            "moderator": ["openai/omni-moderation-latest", "backup/omni-moderation-2024-09-26"],
            "painter": ["openai/gpt-image-1", "backup/gpt-image-1-mini"],
            "voice": ["openai/gpt-4o-mini-tts", "backup/tts-1"],
            "ear": ["openai/gpt-4o-transcribe", "backup/whisper-1"],
            "whisper": "openai/whisper-1",
            "gone": "openai/missing-model",
        },
        "prices": {"gpt-image-1": {"input": 5, "output": 40}, "gpt-4o-transcribe": {"input": 2.5, "output": 10}},
        "forward": {"files": "openai", "batches": "openai"},
        "keys": [{"id": "client", "sha256": CLIENT_SHA256, "tenant": "acme"}],
    }
    gateway = make_gateway(config, env=KEYS)
    yield Services(openai, backup, claude, chat, gateway)
    for sim in (openai, backup, claude, chat):
        sim.stop()
