"""Vercel's AI SDK under Node against the running gateway, with providers of other dialects than it speaks behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import node
from support.cast import others
from support.sim.cohere import TEMPLATE

CLIENTS = ["openai_chat", "openai_responses", "anthropic"]
PAIRS = [(client, behind) for client in CLIENTS for behind in others(client)]
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
def pair(request):
    return request.param


@pytest.fixture
def found(pair, ran):
    client, behind = pair
    return ran[client][behind]


def test_generate_text(found, pair):
    # Two words of the system text, two of the user's, and the simulators' three of framing; three are answered.
    read = 7 + (TEMPLATE if pair[1] == "cohere" else 0)
    assert found["generateText"] == {"text": "echo: good morning", "finish": "stop", "tokens": [read, 3]}


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


def test_a_conversation_goes_on(found):
    assert found["conversation"] == "echo: good night"


@pytest.mark.parametrize("how", ["generateObject", "streamObject"])
def test_objects(found, how):
    assert found[how] == DOG


def test_an_unknown_model_is_an_api_call_error(found):
    assert found["error"]["status"] == 404
    assert "none-such" in found["error"]["message"]
