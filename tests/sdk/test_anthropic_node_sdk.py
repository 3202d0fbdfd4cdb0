"""Anthropic's SDK for Node against the running gateway, with each provider dialect behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import node
from support.cast import MODELS

LOOP = {"stop": "tool_use", "call": ["get_weather", {"city": "a city"}], "text": "tools said: sunny"}


@pytest.fixture(scope="module")
def ran(standing_cast):
    standing_cast.clear()
    script = Path(__file__).parent / "node" / "anthropic_sdk.mjs"
    results = node.run(script, standing_cast.gateway.url, json.dumps(list(MODELS)))
    assert not standing_cast.faults()
    return results


@pytest.fixture(params=MODELS)
def behind(request):
    return request.param


@pytest.fixture
def found(ran, behind):
    return ran[behind]


def test_create(found):
    # Two words of the system text, two of the user's, and the simulators' three of framing; three are answered.
    assert found["create"] == {
        "type": "message",
        "role": "assistant",
        "text": "echo: good morning",
        "stop": "end_turn",
        "tokens": [7, 3],
    }


def test_stream(found):
    text = " ".join(f"w{n}" for n in range(1, 13))
    assert found["stream"] == {"text": text, "same": True, "stop": "end_turn", "output": 12}


def test_events_in_their_order(found):
    assert found["events"] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.parametrize("how", ["tools", "streamedTools"])
def test_the_tool_loop(found, how):
    assert found[how] == LOOP


def test_thinking(found, behind):
    # Chat completions count what was thought, but do not show it.
    kinds = ["text"] if behind == "openai_chat" else ["thinking", "text"]
    assert found["thinking"] == {"kinds": kinds, "text": "echo: think", "after": "echo: more"}


def test_counted_tokens(found, behind):
    if behind in ("anthropic", "gemini", "bedrock"):
        # The provider's own count.
        assert found["count"] == 3 + 3
    else:
        # An estimate; Claude's tools stand under a text of their own.
        assert 30 < found["count"] < 120


def test_an_unknown_model_is_typed(found):
    assert found["error"] == {"typed": True, "type": "not_found_error"}
