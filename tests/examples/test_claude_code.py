"""examples/claude-code: requests of the shape Claude Code sends, answered by another provider or by Claude."""

from __future__ import annotations

import json

import pytest

from support.answers import read, read_stream
from support.sim import AnthropicSim, OpenAISim, fail

HEADERS = {
    "authorization": "Bearer any",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14",
    "anthropic-dangerous-direct-browser-access": "true",
    "user-agent": "claude-cli/2.0.0 (external, cli)",
    "x-app": "cli",
    "x-stainless-lang": "js",
    "accept-encoding": "gzip, deflate, br, zstd",
}
MARK = {"type": "ephemeral"}
SYSTEM = [
    {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude.", "cache_control": MARK},
    {"type": "text", "text": "You help with software engineering. " * 30, "cache_control": MARK},
]
READ = {
    "name": "Read",
    "description": "Reads a file",
    "input_schema": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"file_path": {"type": "string"}, "limit": {"type": "number"}},
        "required": ["file_path"],
        "additionalProperties": False,
    },
}
BASH = {
    "name": "Bash",
    "description": "Runs a command",
    "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
    "cache_control": MARK,
}


def request(messages, **more):
    return {
        "model": "claude-sonnet-4-5-20250929",
        "max_tokens": 32000,
        "stream": True,
        "system": SYSTEM,
        "metadata": {"user_id": "user_0123456789abcdef_account__session_00000000-0000-4000-8000-000000000000"},
        "thinking": {"type": "enabled", "budget_tokens": 31999},
        "tools": [READ, BASH],
        "messages": messages,
    } | more


@pytest.fixture(scope="module")
def standing_cast(run_example):
    with OpenAISim("sk-o") as openai, AnthropicSim("sk-a") as claude:
        env = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a"}
        yield run_example("claude-code", {"openai": openai.base_url, "claude": claude.base_url}, env), openai, claude


@pytest.fixture
def cast(standing_cast):
    _, openai, claude = standing_cast
    openai.clear()
    claude.clear()
    yield standing_cast
    assert not openai.faults and not claude.faults


def post(gateway, body):
    answer = gateway.http.post("/v1/messages?beta=true", json=body, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return read_stream("anthropic", answer.content) if body.get("stream") else read("anthropic", answer.json())


def loop(gateway):
    """Asks, gets a tool call, answers it, gets the text."""
    first = {
        "role": "user",
        "content": [
            {"type": "text", "text": "<system-reminder>context</system-reminder>"},
            {"type": "text", "text": "Read the notes, please", "cache_control": MARK},
        ],
    }
    seen = post(gateway, request([first]))
    assert [(name, arguments["file_path"]) for _, name, arguments in seen.calls] == [("Read", "a file_path")]
    assert seen.finish == "tool_use"
    blocks = []
    if seen.thought:
        blocks.append({"type": "thinking", "thinking": seen.thought, "signature": seen.signature})
    if seen.text:
        blocks.append({"type": "text", "text": seen.text})
    blocks += [
        {"type": "tool_use", "id": ident, "name": name, "input": arguments} for ident, name, arguments in seen.calls
    ]
    result = {"type": "tool_result", "tool_use_id": seen.calls[0][0], "content": "     1\tnotes", "cache_control": MARK}
    after = post(
        gateway,
        request(
            [first, {"role": "assistant", "content": blocks}, {"role": "user", "content": [result]}],
            tools=[READ, {k: v for k, v in BASH.items() if k != "cache_control"}],
            system=SYSTEM[:1],
        ),
    )
    assert after.text == "tools said:      1\tnotes"
    assert after.finish == "end_turn"


def test_gpt_answers(cast):
    gateway, openai, claude = cast
    loop(gateway)
    assert len(openai.requests) == 2 and not claude.requests
    sent = openai.last.json
    assert sent["model"] == "gpt-4.1"
    assert "cache_control" not in json.dumps(sent) and "thinking" not in sent
    assert openai.last.header("anthropic-beta") is None and openai.last.header("authorization") == "Bearer sk-o"


def test_claude_steps_in(cast):
    gateway, openai, claude = cast
    openai.always(fail(503))
    loop(gateway)
    assert len(claude.requests) == 2
    assert claude.last.header("anthropic-beta") == HEADERS["anthropic-beta"]
    assert claude.last.json["system"] == SYSTEM[:1]
    assert claude.last.json["model"] == "claude-sonnet-4-5"


def test_the_small_model_it_asks_for_titles(cast):
    gateway, openai, _ = cast
    body = {
        "model": "claude-haiku-4-5-20251001",
        "max_tokens": 512,
        "temperature": 0,
        "system": [{"type": "text", "text": "Write a title."}],
        "messages": [{"role": "user", "content": "a session"}, {"role": "assistant", "content": "{"}],
    }
    post(gateway, body)
    assert openai.last.json["model"] == "gpt-4.1-mini"


def test_a_check_of_the_quota(cast):
    gateway, openai, _ = cast
    seen = post(
        gateway, {"model": "claude-haiku-4-5", "max_tokens": 1, "messages": [{"role": "user", "content": "quota"}]}
    )
    assert seen.finish == "max_tokens"
