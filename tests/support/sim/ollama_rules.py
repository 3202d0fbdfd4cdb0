"""What an Ollama server refuses, in its words: bodies are read into Go structs, so a wrong type is an error that names
the field, an unknown field is nothing, and arguments of tools have to be objects."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

ROLES = {"system", "user", "assistant", "tool"}
GO = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
INTEGERS = {"num_predict", "top_k", "seed", "num_ctx", "num_keep", "repeat_last_n", "mirostat"}
FLOATS = {"temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty"}
KNOWN = {
    "model",
    "messages",
    "prompt",
    "suffix",
    "system",
    "template",
    "context",
    "raw",
    "images",
    "stream",
    "format",
    "keep_alive",
    "tools",
    "options",
    "think",
    "truncate",
    "shift",
    "logprobs",
    "top_logprobs",
}
MESSAGE = {"role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"}


class Refused(Exception):
    """A request that is not answered."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def wrong(value: Any, field: str, wanted: str) -> Refused:
    """Go's sentence for a value of another type."""
    name = GO.get(type(value), "null")
    return Refused(f"json: cannot unmarshal {name} into Go struct field ChatRequest.{field} of type {wanted}")


def check(body: Any, *, generate: bool) -> None:
    """Refuses what a server refuses, and what a gateway has no business to send."""
    if not isinstance(body, dict):
        raise wrong(body, "", "api.ChatRequest")
    strange = set(body) - KNOWN
    if strange:
        # The real server ignores them: here they are the gateway's mistake.
        raise Refused(f"unknown field {sorted(strange)[0]}")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise Refused("model is required")
    for field in ("stream", "logprobs", "raw", "truncate", "shift"):
        if field in body and not isinstance(body[field], bool):
            raise wrong(body[field], field, "bool")
    form = body.get("format")
    if form is not None and not isinstance(form, dict) and form not in ("", "json"):
        raise Refused(f'invalid format: "{form}"; expected "json" or a JSON schema')
    think = body.get("think")
    if think is not None and not isinstance(think, bool) and think not in ("low", "medium", "high"):
        raise Refused(f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)')
    _options(body.get("options") or {})
    if generate:
        if not isinstance(body.get("prompt", ""), str):
            raise wrong(body["prompt"], "prompt", "string")
        _images(body.get("images") or [])
        return
    for message in body.get("messages") or []:
        _message(message)
    for tool in body.get("tools") or []:
        function = tool.get("function") if isinstance(tool, dict) else None
        if tool.get("type") != "function" or not isinstance(function, dict) or not function.get("name"):
            raise wrong(tool, "tools", "api.Tool")
        if not isinstance(function.get("parameters", {}), dict):
            raise wrong(function["parameters"], "tools.function.parameters", "api.ToolFunctionParameters")


def _options(options: Any) -> None:
    if not isinstance(options, dict):
        raise wrong(options, "options", "map[string]interface {}")
    for name, value in options.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in INTEGERS and not number:
            raise Refused(f'option "{name}" must be of type integer', 500)
        if name in FLOATS and not number:
            raise Refused(f'option "{name}" must be of type float32', 500)
        if name == "stop" and (not isinstance(value, list) or not all(isinstance(text, str) for text in value)):
            raise Refused('option "stop" must be of an array of strings', 500)


def _images(images: Any) -> None:
    for image in images:
        if not isinstance(image, str) or re.match(r"data:|https?:", image):
            raise Refused("illegal base64 data at input byte 4")
        try:
            base64.b64decode(image, validate=True)
        except (binascii.Error, ValueError):
            raise Refused("illegal base64 data at input byte 0") from None


def _message(message: Any) -> None:
    if not isinstance(message, dict):
        raise wrong(message, "messages", "api.Message")
    if set(message) - MESSAGE:
        raise Refused(f"unknown field messages.{sorted(set(message) - MESSAGE)[0]}")
    if message.get("role") not in ROLES:
        raise Refused(f"invalid role: {message.get('role')}, must be one of 'user', 'assistant', 'system', or 'tool'")
    for field in ("content", "thinking", "tool_name", "tool_call_id"):
        if field in message and not isinstance(message[field], str):
            raise wrong(message[field], f"messages.{field}", "string")
    _images(message.get("images") or [])
    for call in message.get("tool_calls") or []:
        function = call.get("function") or {}
        if not isinstance(function.get("arguments"), dict):
            raise wrong(
                function.get("arguments"), "messages.tool_calls.function.arguments", "api.ToolCallFunctionArguments"
            )
        if not function.get("name"):
            raise Refused("tool call without a name")
