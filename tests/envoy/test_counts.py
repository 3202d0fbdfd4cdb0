"""Counting tokens: clients of every dialect that can ask, by every provider that can answer."""

from __future__ import annotations

import pytest

from support.sim import BedrockSim, GeminiSim, OpenAIResponsesSim, OpenAISim
from support.world import SECRETS

KEYS = {"COUNT_GEMINI_KEY": "AIzaCount-1f0e3dad99908345", "COUNT_BEDROCK_KEY": "bedrock-api-key-c74d97b01eae257e"}
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture(scope="module")
def sims():
    with (
        GeminiSim(KEYS["COUNT_GEMINI_KEY"]) as gemini,
        BedrockSim(KEYS["COUNT_BEDROCK_KEY"]) as bedrock,
        OpenAIResponsesSim(SECRETS["OPENAI_TEST_KEY"]) as responses,
        OpenAISim(None, compatible=True) as vllm,
    ):
        yield {"gemini": gemini, "bedrock": bedrock, "responses": responses, "vllm": vllm}


@pytest.fixture(scope="module")
def standing(make_gateway, sims):
    return make_gateway(
        providers={
            "gemini": {"base_url": sims["gemini"].base_url, "api_key_env": "COUNT_GEMINI_KEY"},
            "bedrock": {"base_url": sims["bedrock"].base_url, "api_key_env": "COUNT_BEDROCK_KEY"},
            "responses": {
                "preset": "openai",
                "base_url": sims["responses"].base_url,
                "api_key_env": "OPENAI_TEST_KEY",
            },
            "vllm": {"base_url": sims["vllm"].origin},
        },
        models={
            "gemini": "gemini/gemini-2.5-flash",
            "bedrock": f"bedrock/{SONNET}",
            "responses": "responses/gpt-4o",
            "vllm": "vllm/llama",
        },
        env=KEYS,
    )


@pytest.fixture
def gate(standing, sims, world):
    for sim in sims.values():
        sim.clear()
    yield standing
    assert not [fault for sim in sims.values() for fault in sim.faults]


def anthropic(model):
    tool = {"name": "get_weather", "description": "Weather", "input_schema": CITY}
    body = {"model": model, "system": "be brief", "messages": said("content"), "tools": [tool], "tool_choice": {"type": "auto"}}
    return "/v1/messages/count_tokens", body, "input_tokens"


def said(field):
    return [{"role": "user", field: "one two three"}]


def gemini(model):
    whole = {
        "contents": [{"role": "user", "parts": [{"text": "one two three"}]}],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
    }
    return f"/v1beta/models/{model}:countTokens", {"generateContentRequest": whole}, "totalTokens"


def responses(model):
    return "/v1/responses/input_tokens", {"model": model, "instructions": "be brief", "input": "one two three"}, "input_tokens"


def bedrock(model):
    spoken = {"messages": [{"role": "user", "content": [{"text": "one two three"}]}], "system": [{"text": "be brief"}]}
    return f"/model/{model}/count-tokens", {"input": {"converse": spoken}}, "inputTokens"


@pytest.mark.parametrize("provider", ["gemini", "bedrock", "responses", "vllm"])
@pytest.mark.parametrize("client", [anthropic, gemini, responses, bedrock], ids=lambda client: client.__name__)
def test_the_providers_own_count(gate, sims, client, provider):
    path, body, field = client(provider)
    answer = gate.http.post(path, json=body, headers={"anthropic-version": "2023-06-01"} if client is anthropic else {})
    assert answer.status_code == 200, answer.text
    # Two words of instructions, three of the question, and the simulators' three of framing.
    assert answer.json()[field] == 8
    assert answer.headers["x-tollgate-usage"] == "complete"
    [asked] = sims[provider].requests
    assert asked.path.endswith(
        {
            "gemini": ":countTokens",
            "bedrock": "/count-tokens",
            "responses": "/v1/responses/input_tokens",
            "vllm": "/tokenize",
        }[provider]
    )
    line = gate.audited(answer)
    assert (line["counted"], line["usage_status"]) == (8, "complete")
