"""Strict simulators of LLM providers.

A simulator refuses what the real provider refuses, answers in the real provider's shapes, derives its answer from
the request (so tests can say what must come back), and records every request byte for byte. What it does wrong on
purpose is scripted with `support.sim.behaviour`.
"""

from . import eventstream
from .anthropic import AnthropicSim
from .anthropic_services import AnthropicServicesSim
from .bedrock import AnthropicOnVertexSim, BedrockSim
from .behaviour import (
    Gate,
    Steps,
    cut,
    empty,
    fail,
    hang,
    malformed,
    raw,
    refuse_connections,
    reset,
    stream,
    stream_error,
    truncated,
)
from .cohere import CohereSim
from .gemini import GeminiSim
from .litellm import LiteLLMSim
from .ollama import OllamaSim
from .openai import OpenAISim
from .openai_services import OpenAIServicesSim
from .openai_responses import OpenAIResponsesSim
from .server import Recorded, Simulator

__all__ = [
    "AnthropicServicesSim",
    "AnthropicOnVertexSim",
    "AnthropicSim",
    "BedrockSim",
    "CohereSim",
    "Gate",
    "GeminiSim",
    "LiteLLMSim",
    "OpenAIServicesSim",
    "OllamaSim",
    "OpenAIResponsesSim",
    "OpenAISim",
    "Recorded",
    "Simulator",
    "Steps",
    "cut",
    "eventstream",
    "empty",
    "fail",
    "hang",
    "malformed",
    "raw",
    "refuse_connections",
    "reset",
    "stream",
    "stream_error",
    "truncated",
]
