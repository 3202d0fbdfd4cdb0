"""Requests of the shape that Claude Code sends, through Anthropic's SDK, with a provider of every dialect behind."""

from __future__ import annotations

import anthropic
import pytest

from support.cast import MODELS

BETAS = [
    "claude-code-20250219",
    "interleaved-thinking-2025-05-14",
    "fine-grained-tool-streaming-2025-05-14",
    "context-management-2025-06-27",
]
MARK = {"type": "ephemeral"}
SYSTEM = [
    {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude."},
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
    "input_schema": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "run_in_background": {"type": "boolean"}},
        "required": ["command"],
    },
    "cache_control": MARK,
}
SEARCH = [
    {
        "name": name,
        "description": f"{name}s files",
        "input_schema": {
            "type": "object",
            "properties": {"pattern": {"type": "string"}, "output_mode": {"type": "string", "enum": ["content", "count"]}},
            "required": ["pattern"],
        },
    }
    for name in ("Glob", "Grep")
]
METADATA = {"user_id": "user_0123456789abcdef_account__session_00000000-0000-4000-8000-000000000000"}
THINKING = {"type": "enabled", "budget_tokens": 4096}
SILENT = {"openai_chat"}
"""whose thoughts are counted and not shown"""


@pytest.fixture(params=MODELS)
def behind(request):
    return request.param


@pytest.fixture
def claude(cast):
    headers = {"user-agent": "claude-cli/2.0.0 (external, cli)", "x-app": "cli"}
    with anthropic.Anthropic(
        base_url=cast.gateway.url, auth_token="any", api_key=None, max_retries=0, default_headers=headers
    ) as client:
        yield client


class Session:
    """One conversation, every answer of which is sent back as it came."""

    def __init__(self, client, model, *, streamed, **more):
        self.client, self.model, self.streamed, self.more = client, model, streamed, more
        self.messages = []

    def say(self, *content):
        # Claude Code marks the end of what it says; four marks are the most that Anthropic takes.
        for earlier in self.messages:
            for block in earlier["content"]:
                block.pop("cache_control", None)
        content = [*content[:-1], content[-1] | {"cache_control": MARK}]
        self.messages.append({"role": "user", "content": content})
        asked = {
            "model": self.model,
            "max_tokens": 32000,
            "system": SYSTEM,
            "tools": [READ, *SEARCH, BASH],
            "metadata": METADATA,
            "messages": self.messages,
            "betas": BETAS,
            **self.more,
        }
        if self.streamed:
            with self.client.beta.messages.stream(**asked) as events:
                answer = events.get_final_message()
        else:
            answer = self.client.beta.messages.create(**asked, timeout=60)
        self.messages.append(
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]}
        )
        return answer

    def told(self, answer, text):
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": text}
            for block in answer.content
            if block.type == "tool_use"
        ]
        return self.say(*results)


def words(text):
    return {"type": "text", "text": text}


def calls(answer):
    return [(block.name, block.input) for block in answer.content if block.type == "tool_use"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("thinks", [False, True], ids=["plain", "thinking"])
def test_a_session_of_several_turns(cast, claude, behind, streamed, thinks):
    model = f"{behind}-thinking" if thinks else behind
    session = Session(claude, model, streamed=streamed, **({"thinking": THINKING} if thinks else {}))

    first = session.say(words("<system-reminder>context</system-reminder>"), words("Read the notes, please"))
    assert first.stop_reason == "tool_use"
    [(name, given)] = calls(first)
    assert (name, given["file_path"]) == ("Read", "a file_path")
    second = session.told(first, "     1\tnotes")
    assert second.stop_reason == "end_turn"
    assert second.content[-1].text == "tools said: " + "     1\tnotes"

    third = session.say(words("now Glob and Grep"))
    assert [(name, given["pattern"]) for name, given in calls(third)] == [("Glob", "a pattern"), ("Grep", "a pattern")]
    fourth = session.told(third, "done")
    assert fourth.content[-1].text == "tools said: done; done"
    last = session.say(words("thanks"))
    assert last.content[-1].text == "echo: thanks"

    if thinks and behind not in SILENT:
        assert all(answer.content[0].type == "thinking" for answer in (first, third, last))
    assert len(cast[behind].requests) == 5
    for answer, asked in zip((first, second, third, fourth, last), cast[behind].requests, strict=True):
        usage = answer.usage
        read = usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
        assert (read, usage.output_tokens) == (asked.usage["input"], asked.usage["output"])


@pytest.mark.parametrize("model", ["bedrock"])
def test_cache_marks_reach_who_caches(cast, claude, model):
    session = Session(claude, model, streamed=True)
    assert session.say(words("hello")).usage.cache_creation_input_tokens > 100
    assert session.say(words("again")).usage.cache_read_input_tokens > 100


def test_counting(cast, claude, behind):
    asked = {"model": behind, "system": SYSTEM, "tools": [READ, BASH], "betas": BETAS}
    short = claude.beta.messages.count_tokens(**asked, messages=[{"role": "user", "content": "one two three"}])
    long = claude.beta.messages.count_tokens(**asked, messages=[{"role": "user", "content": "one two three " * 100}])
    assert 150 < short.input_tokens < 1500
    assert 200 < long.input_tokens - short.input_tokens < 400


def test_betas_go_where_the_configuration_says_and_nowhere_else(cast, claude, behind):
    Session(claude, behind, streamed=True).say(words("hello"))
    sent = cast[behind].last
    if behind == "anthropic":
        assert sent.header("anthropic-beta") == ",".join(BETAS)
    else:
        assert sent.header("anthropic-beta") is None
