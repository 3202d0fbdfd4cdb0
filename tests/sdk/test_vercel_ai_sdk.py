"""Vercel's AI SDK under Node against the running gateway, with providers of other dialects than it speaks behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import node
from support.cast import others

CLIENTS = ["openai_chat", "openai_responses", "anthropic"]
PAIRS = [(client, behind) for client in CLIENTS for behind in others(client, "cohere")]
WORDS = " ".join(f"w{n}" for n in range(1, 13))
CALLS = [["get_weather", {"city": "a city"}]]
DOG = {"name": "a name", "age": 7.5}


@pytest.fixture(scope="module")
def ran(standing_cast):
    standing_cast.clear()
    script = Path(__file__).parent / "node" / "vercel_ai.mjs"
    results = node.run(script, standing_cast.gateway.url, json.dumps(PAIRS))
    assert not standing_cast.faults()
    return results


@pytest.fixture(params=PAIRS, ids="-to-".join)
def found(request, ran):
    client, behind = request.param
    return ran[client][behind]


def test_generate_text(found):
    # Two words of the system text, two of the user's, and the simulators' three of framing; three are answered.
    assert found["generateText"] == {"text": "echo: good morning", "finish": "stop", "tokens": [7, 3]}


def test_stream_text(found):
    assert found["streamText"] == {"text": WORDS, "finish": "stop", "output": 12}


def test_tools(found):
    assert found["tools"] == {"text": "tools said: sunny in a city", "calls": CALLS, "steps": 2}


def test_streamed_tools(found):
    assert found["streamedTools"] == {
        "text": "tools said: sunny in a city",
        "calls": CALLS,
        "streamed": True,
        "steps": 2,
    }


@pytest.mark.parametrize("how", ["generateObject", "streamObject"])
def test_objects(found, how):
    assert found[how] == DOG


def test_an_unknown_model_is_an_api_call_error(found):
    assert found["error"]["status"] == 404
    assert "none-such" in found["error"]["message"]
