"""Strict simulators of LLM providers.

A simulator refuses what the real provider refuses, answers in the real provider's shapes, derives its answer from
the request (so tests can say what must come back), and records every request byte for byte. What it does wrong on
purpose is scripted with `support.sim.behaviour`.
"""

from .anthropic import AnthropicSim
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
from .gemini import GeminiSim
from .litellm import LiteLLMSim
from .ollama import OllamaSim
from .openai import OpenAISim
from .server import Recorded, Simulator

__all__ = [
    "AnthropicSim",
    "Gate",
    "GeminiSim",
    "LiteLLMSim",
    "OllamaSim",
    "OpenAISim",
    "Recorded",
    "Simulator",
    "Steps",
    "cut",
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
