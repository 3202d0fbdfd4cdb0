"""What Cohere's chat refuses, in its words: unknown fields are a 422, ranges and pairings a 400.

The messages follow errors that users of the API have reported; the fields are those of the official client.
"""

from __future__ import annotations

import json
import re
from typing import Any

TOP = {
    "model",
    "messages",
    "tools",
    "strict_tools",
    "documents",
    "citation_options",
    "response_format",
    "safety_mode",
    "max_tokens",
    "stop_sequences",
    "temperature",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "k",
    "p",
    "logprobs",
    "tool_choice",
    "thinking",
    "priority",
    "stream",
}
MESSAGE = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "tool_plan", "citations"},
    "tool": {"role", "content", "tool_call_id"},
}
BLOCKS = {
    "system": {"text"},
    "user": {"text", "image_url"},
    "assistant": {"text", "thinking"},
    "tool": {"text", "document"},
}
RANGES = {
    "temperature": (0, 1),
    "p": (0.01, 0.99),
    "k": (0, 500),
    "frequency_penalty": (0, 1),
    "presence_penalty": (0, 1),
}


class Refused(Exception):
    """A request that is not answered."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def unknown(name: str) -> Refused:
    """The sentence for a field that is no field."""
    return Refused(
        f"unknown field: parameter '{name}' is not a valid field. For proper usage, please refer to "
        "https://docs.cohere.com/reference/chat",
        422,
    )


def invalid(what: str) -> Refused:
    """Anything else that is wrong."""
    return Refused(f"invalid request: {what}")


def check(body: Any, *, thinks: bool) -> None:
    """Refuses what Cohere refuses."""
    if not isinstance(body, dict):
        raise invalid("body must be an object")
    for name in body:
        if name not in TOP:
            raise unknown(name)
    if not body.get("messages"):
        raise invalid("messages must be at least 1 token long")
    for name, (least, most) in RANGES.items():
        value = body.get(name)
        if value is not None and not (isinstance(value, int | float) and least <= value <= most):
            raise invalid(f"{name} must be between {least} and {most} inclusive.")
    if "seed" in body and (not isinstance(body["seed"], int) or body["seed"] < 0):
        raise invalid("seed must be a non-negative integer")
    if "max_tokens" in body and (not isinstance(body["max_tokens"], int) or body["max_tokens"] < 0):
        raise invalid("max_tokens must be a non-negative integer")
    stops = body.get("stop_sequences")
    if stops is not None and (not isinstance(stops, list) or len(stops) > 5):
        raise invalid("stop_sequences must be a list of at most 5 strings")
    if "thinking" in body:
        if not thinks:
            raise invalid("thinking is not supported by this model")
        if body["thinking"].get("type") not in ("enabled", "disabled"):
            raise invalid("thinking.type must be enabled or disabled")
        if body["thinking"].get("token_budget", 1) < 1:
            raise invalid("thinking.token_budget must be a positive integer")
    _tools(body)
    _format(body)
    known: set[str] = set()
    for message in body["messages"]:
        _message(message, known)


def _tools(body: Any) -> None:
    for tool in body.get("tools") or []:
        if set(tool) - {"type", "function"}:
            raise unknown(sorted(set(tool) - {"type", "function"})[0])
        function = tool.get("function") or {}
        if set(function) - {"name", "description", "parameters"}:
            raise unknown(sorted(set(function) - {"name", "description", "parameters"})[0])
        if not re.fullmatch(r"[A-Za-z0-9_-]+", function.get("name", "")):
            raise invalid("tool names must be alphanumeric")
        if not isinstance(function.get("parameters"), dict):
            raise invalid("tool parameters are required")
    choice = body.get("tool_choice")
    if choice is not None and choice not in ("REQUIRED", "NONE"):
        raise invalid(f"tool_choice {choice} is not one of REQUIRED, NONE")
    if choice is not None and not body.get("tools"):
        raise invalid("tool_choice is only valid with tools")
    if body.get("strict_tools") and not body.get("tools"):
        raise invalid("strict_tools is only valid with tools")
    if body.get("strict_tools") and not all(tool["function"]["parameters"].get("required") for tool in body["tools"]):
        raise invalid("strict_tools requires at least one required parameter of every tool")


def _format(body: Any) -> None:
    form = body.get("response_format")
    if form is None:
        return
    if form.get("type") not in ("text", "json_object"):
        raise invalid("response_format.type must be text or json_object")
    if set(form) - {"type", "json_schema"}:
        raise unknown(sorted(set(form) - {"type", "json_schema"})[0])
    if form["type"] == "json_object" and (body.get("tools") or body.get("documents")):
        raise invalid("response_format is not supported with tools or documents")
    schema = form.get("json_schema")
    if schema is not None and schema.get("type") != "object":
        raise invalid("the top level of json_schema must be an object")


def _message(message: Any, known: set[str]) -> None:
    role = message.get("role")
    if role not in MESSAGE:
        raise invalid(f"role {role} is not one of system, user, assistant, tool")
    strange = set(message) - MESSAGE[role]
    if strange:
        raise unknown(sorted(strange)[0])
    content = message.get("content")
    if isinstance(content, list):
        for block in content:
            if block.get("type") not in BLOCKS[role]:
                raise invalid(f"content of type {block.get('type')} is not supported for role {role}")
            document = block.get("document")
            if block["type"] == "document" and not (isinstance(document, dict) and document.get("data")):
                raise invalid("a document of a message is an object with data")
            if set(block) - {"type", block["type"]}:
                raise unknown(sorted(set(block) - {"type", block["type"]})[0])
    elif not isinstance(content, str) and not (role == "assistant" and content is None):
        raise invalid("content must be a string or a list of content blocks")
    if role == "assistant":
        for call in message.get("tool_calls") or []:
            function = call.get("function") or {}
            if not call.get("id") or not isinstance(function.get("arguments"), str):
                raise invalid("tool calls need an id and arguments that are a string")
            if not isinstance(json.loads(function["arguments"]), dict):
                raise invalid("tool call arguments must be a JSON object")
            known.add(call["id"])
        if not content and not message.get("tool_calls"):
            raise invalid("an assistant message needs content or tool calls")
    if role == "tool" and message.get("tool_call_id") not in known:
        raise invalid(f"tool_call_id {message.get('tool_call_id')} not found in previous tool calls")
