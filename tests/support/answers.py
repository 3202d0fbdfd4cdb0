"""Reading answers of either dialect as a client would, and as strictly as a wire format deserves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

OPENAI = "openai_chat"
ANTHROPIC = "anthropic"
DIALECTS = (OPENAI, ANTHROPIC)


@dataclass
class Seen:
    """An answer or a stream, without its dialect."""

    text: str = ""
    thought: str = ""
    signature: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    """id, name, arguments"""
    finish: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    model: str | None = None
    refusal: str = ""
    error: dict[str, Any] | None = None
    done: bool = False
    events: list[Any] = field(default_factory=list)


def sse(raw: bytes | str) -> list[tuple[str | None, str]]:
    """Event name and data of each event of a stream; bytes after the last blank line are a mistake."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    text = text.replace("\r\n", "\n")
    assert text == "" or text.endswith("\n\n"), f"the stream ends inside an event: {text[-200:]!r}"
    found = []
    for block in text.split("\n\n"):
        name, data = None, []
        for line in block.split("\n"):
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
        if data:
            found.append((name, "\n".join(data)))
    return found


def read(dialect: str, answer: Any) -> Seen:
    """A whole unary answer."""
    seen = Seen(model=answer["model"], usage=answer.get("usage") or {}, done=True)
    if dialect == OPENAI:
        assert answer["object"] == "chat.completion" and answer["id"] and isinstance(answer["created"], int)
        choice = answer["choices"][0]
        message = choice["message"]
        assert message["role"] == "assistant" and "content" in message
        seen.text = message["content"] or ""
        seen.refusal = message.get("refusal") or ""
        seen.thought = message.get("reasoning_content") or ""
        for block in message.get("thinking_blocks") or []:
            seen.signature = block.get("signature") or seen.signature
        for call in message.get("tool_calls") or []:
            assert call["type"] == "function"
            seen.calls.append((call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])))
        seen.finish = choice["finish_reason"]
        return seen
    assert answer["type"] == "message" and answer["role"] == "assistant" and answer["id"]
    for block in answer["content"]:
        if block["type"] == "text":
            seen.text += block["text"]
        elif block["type"] == "thinking":
            seen.thought += block["thinking"]
            seen.signature = block["signature"]
        elif block["type"] == "tool_use":
            seen.calls.append((block["id"], block["name"], block["input"]))
    seen.finish = answer["stop_reason"]
    return seen


def read_stream(dialect: str, raw: bytes | str) -> Seen:
    """A whole stream; the order of its events is checked on the way."""
    return _openai_stream(sse(raw)) if dialect == OPENAI else _anthropic_stream(sse(raw))


def _openai_stream(events: list[tuple[str | None, str]]) -> Seen:
    seen = Seen()
    calls: dict[int, dict[str, str]] = {}
    ids = set()
    for _name, data in events:
        assert not seen.done, "an event after [DONE]"
        if data == "[DONE]":
            seen.done = True
            continue
        chunk = json.loads(data)
        seen.events.append(chunk)
        if "error" in chunk:
            seen.error = chunk["error"]
            continue
        assert chunk["object"] == "chat.completion.chunk"
        ids.add(chunk["id"])
        seen.model = chunk["model"]
        if chunk.get("usage"):
            seen.usage = chunk["usage"]
        for choice in chunk["choices"]:
            if choice["index"] != 0:
                continue
            delta = choice["delta"]
            assert seen.finish is None or not any(delta.get(k) for k in ("content", "tool_calls")), (
                "content after the finish"
            )
            seen.text += delta.get("content") or ""
            seen.refusal += delta.get("refusal") or ""
            seen.thought += delta.get("reasoning_content") or ""
            for block in delta.get("thinking_blocks") or []:
                seen.signature = block.get("signature") or seen.signature
            for call in delta.get("tool_calls") or []:
                kept = calls.setdefault(call["index"], {"id": "", "name": "", "arguments": ""})
                kept["id"] += call.get("id") or ""
                kept["name"] += call["function"].get("name") or ""
                kept["arguments"] += call["function"].get("arguments") or ""
            seen.finish = choice.get("finish_reason") or seen.finish
    assert len(ids) <= 1, f"one stream, several ids: {ids}"
    seen.calls = [(call["id"], call["name"], json.loads(call["arguments"])) for _, call in sorted(calls.items())]
    return seen


def _anthropic_stream(events: list[tuple[str | None, str]]) -> Seen:
    seen = Seen()
    open_block: int | None = None
    blocks: dict[int, dict[str, str]] = {}
    for name, data in events:
        event = json.loads(data)
        seen.events.append(event)
        kind = event["type"]
        assert name == kind, f"event {name} carries {kind}"
        assert not seen.done, "an event after message_stop"
        if kind == "message_start":
            assert len([e for e in seen.events if e["type"] != "ping"]) == 1
            seen.model = event["message"]["model"]
            seen.usage = dict(event["message"]["usage"])
        elif kind == "content_block_start":
            assert open_block is None and event["index"] == len(blocks), "blocks overlap or skip an index"
            open_block = event["index"]
            block = event["content_block"]
            blocks[open_block] = {
                "kind": block["type"],
                "id": block.get("id", ""),
                "name": block.get("name", ""),
                "json": "",
            }
        elif kind == "content_block_delta":
            assert event["index"] == open_block, "a delta outside its block"
            delta = event["delta"]
            if delta["type"] == "text_delta":
                seen.text += delta["text"]
            elif delta["type"] == "thinking_delta":
                seen.thought += delta["thinking"]
            elif delta["type"] == "signature_delta":
                seen.signature += delta["signature"]
            elif delta["type"] == "input_json_delta":
                blocks[event["index"]]["json"] += delta["partial_json"]
        elif kind == "content_block_stop":
            assert event["index"] == open_block
            open_block = None
        elif kind == "message_delta":
            assert open_block is None, "message_delta inside a block"
            seen.finish = event["delta"]["stop_reason"]
            seen.usage |= {k: v for k, v in (event.get("usage") or {}).items() if v is not None}
        elif kind == "message_stop":
            seen.done = True
        elif kind == "error":
            seen.error = event["error"]
    for block in blocks.values():
        if block["kind"] == "tool_use":
            seen.calls.append((block["id"], block["name"], json.loads(block["json"] or "{}")))
    return seen


def usage(dialect: str, found: dict[str, Any]) -> dict[str, int]:
    """Input (cached included), output, cache reads and writes: the same numbers from either wire."""
    if dialect == OPENAI:
        details = found.get("prompt_tokens_details") or {}
        assert found["total_tokens"] == found["prompt_tokens"] + found["completion_tokens"]
        return {
            "input": found["prompt_tokens"],
            "output": found["completion_tokens"],
            "cache_read": details.get("cached_tokens") or 0,
        }
    read_tokens = found.get("cache_read_input_tokens") or 0
    written = found.get("cache_creation_input_tokens") or 0
    return {
        "input": found["input_tokens"] + read_tokens + written,
        "output": found["output_tokens"],
        "cache_read": read_tokens,
    }


def error_of(dialect: str, body: Any) -> dict[str, Any]:
    """The error object of an envelope whose shape is checked."""
    if dialect == OPENAI:
        assert set(body) == {"error"}, body
        assert {"message", "type", "param", "code"} <= set(body["error"]), body
    else:
        assert body["type"] == "error" and {"type", "message"} <= set(body["error"]), body
    assert body["error"]["message"]
    return body["error"]
