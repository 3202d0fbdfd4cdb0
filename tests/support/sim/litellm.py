"""A simulated LiteLLM proxy: both dialects on one port, any model's name, one key in either header."""

from __future__ import annotations

from .anthropic import AnthropicSim
from .behaviour import Behaviour
from .openai import OpenAISim
from .plan import Plan
from .server import Recorded


class _Messages(AnthropicSim):
    """The Anthropic half. It answers for the proxy and never listens itself."""

    def start(self) -> None:
        pass

    def known(self, model: str) -> bool:
        return True


class LiteLLMSim(OpenAISim):
    """`/v1/chat/completions` as a compatible OpenAI, `/v1/messages` as Anthropic."""

    name = "litellm"

    def __init__(self, key: str, *, port: int = 0) -> None:
        self._messages = _Messages(key)
        super().__init__(key, compatible=True, port=port)

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        if request.path == "/v1/messages":
            return self._messages.answer(request, behaviour)
        return super().answer(request, behaviour)
