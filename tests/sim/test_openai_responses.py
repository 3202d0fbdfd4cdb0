"""The simulated Responses: accepted by the official SDK, and as strict as the real one."""

from __future__ import annotations

import httpx
import openai
import pytest
from support.sim import OpenAIResponsesSim

TOOL = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
}


@pytest.fixture(scope="module")
def sim():
    with OpenAIResponsesSim() as running:
        yield running


def post(sim, **body):
    headers = {"authorization": f"Bearer {sim.key}"}
    return httpx.post(sim.origin + "/v1/responses", json={"model": "gpt-4o", "input": "hi"} | body, headers=headers)


def test_the_sdk_takes_its_answers(sim):
    client = openai.OpenAI(base_url=sim.base_url, api_key=sim.key, max_retries=0)
    assert client.responses.create(model="gpt-4o", input="hi").output_text == "echo: hi"
    more = {
        "tools": [TOOL],
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }
    with client.responses.stream(model="gpt-5", input="f please", **more) as events:
        final = events.get_final_response()
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "1"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"stop": "x"}, "stop"),
        ({"messages": []}, "messages"),
        ({"max_output_tokens": 3}, "max_output_tokens"),
        ({"include": ["reasoning.encrypted_content"]}, "include"),
        ({"reasoning": {"effort": "low"}}, "reasoning.effort"),
        ({"model": "gpt-5", "reasoning": {"effort": "xhigh"}}, "reasoning.effort"),
        ({"model": "gpt-5", "temperature": 0.5}, "temperature"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
        ({"tools": [{**TOOL, "parameters": {"type": "object", "properties": {}}}]}, "tools[0].parameters"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "input[0].content[0]"),
        ({"input": [CALL]}, "input"),
        ({"input": [OUTPUT]}, "input"),
        ({"input": [{**CALL, "cache_control": {}}, OUTPUT]}, "input[0].cache_control"),
        ({"input": [{"type": "reasoning", "summary": [], "encrypted_content": "another's"}]}, None),
        ({"previous_response_id": "resp_unknown"}, "previous_response_id"),
    ],
)
def test_what_it_refuses(sim, body, param):
    answer = post(sim, **body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert sim.last.refused


def test_what_it_takes(sim):
    assert post(sim, input=[{"role": "user", "content": "hi"}, CALL, OUTPUT]).status_code == 200
    assert post(sim, tools=[{**TOOL, "strict": False}]).status_code == 200
    assert httpx.post(sim.origin + "/v1/responses", json={}).status_code == 401
