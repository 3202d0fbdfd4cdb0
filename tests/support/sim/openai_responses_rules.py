"""What OpenAI's `/v1/responses` refuses, with its words: types, fields, ranges and the order of items, as the API
reference has them and users of the API have reported."""

from __future__ import annotations

import re
from typing import Any

from .openai_efforts import KNOWN, refusal
from .openai_rules import NAME, Refused, _base64, _ranged, _rooted, _strict
from .schema import unsaid

TOP = {
    "background",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
}
ITEMS = {
    "message": {"type", "id", "status", "role", "content", "phase"},
    "reasoning": {"type", "id", "status", "summary", "content", "encrypted_content"},
    "function_call": {"type", "id", "status", "call_id", "name", "arguments"},
    "function_call_output": {"type", "id", "status", "call_id", "output"},
    "item_reference": {"type", "id"},
    "compaction": {"type", "id", "encrypted_content"},
}
PARTS = {
    "input_text": {"type", "text"},
    "input_image": {"type", "image_url", "file_id", "detail"},
    "input_file": {"type", "filename", "file_data", "file_id", "file_url"},
    "output_text": {"type", "text", "annotations", "logprobs"},
    "refusal": {"type", "refusal"},
}
INPUT = {"input_text", "input_image", "input_file"}
PARTS_OF = {"user": INPUT, "system": INPUT, "developer": INPUT, "assistant": {"output_text", "refusal"}}
INCLUDES = {"reasoning.encrypted_content", "message.output_text.logprobs"}
SEAL = "gAAAAABsimulated"
"""What the simulated encrypted reasoning begins with; anybody else's is refused."""


def unknown(where: str) -> Refused:
    return Refused(f"Unknown parameter: '{where}'.", where, "unknown_parameter")


def missing(where: str) -> Refused:
    return Refused(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")


def invalid(where: str, value: Any, known: Any) -> Refused:
    return Refused(f"Invalid value: '{value}'. Supported values are: {sorted(known)}.", where, "invalid_value")


def check(body: Any, *, reasoning: bool) -> None:
    """Raises `Refused` where the real API answers 400."""
    if not isinstance(body, dict):
        raise Refused("We could not parse the JSON body of your request.")
    for name in body:
        if name not in TOP:
            raise unknown(name)
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise missing("model")
    if "input" not in body and not (body.get("previous_response_id") or body.get("prompt")):
        raise missing("input")
    _parameters(body, reasoning)
    _tools(body)
    _text(body)
    _items(body)


def _parameters(body: dict[str, Any], reasoning: bool) -> None:
    _ranged(body, "temperature", 0, 2)
    _ranged(body, "top_p", 0, 1)
    _ranged(body, "top_logprobs", 0, 20)
    limit = body.get("max_output_tokens")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
        raise Refused("Invalid type for 'max_output_tokens': expected an integer.", "max_output_tokens", "invalid_type")
    if limit is not None and limit < 16:
        raise Refused(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {limit} instead.",
            "max_output_tokens",
            "integer_below_min_value",
        )
    for name in ("user", "safety_identifier", "prompt_cache_key"):
        if len(body.get(name) or "") > 64:
            raise Refused(
                f"Invalid '{name}': string too long. Expected a string with maximum length 64, but got a string with length {len(body[name])} instead.",
                name,
                "string_above_max_length",
            )
    for name in body.get("include") or []:
        if name not in INCLUDES:
            raise invalid("include", name, INCLUDES)
        if name == "reasoning.encrypted_content" and not reasoning:
            raise Refused("Encrypted content is not supported with this model.", "include")
    said = body.get("reasoning")
    if said and not reasoning:
        raise Refused(
            "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
            "reasoning.effort",
            "unsupported_parameter",
        )
    for name, known in (
        ("effort", {None, *KNOWN}),
        ("summary", {None, "auto", "concise", "detailed"}),
    ):
        if (said or {}).get(name) not in known:
            raise invalid(f"reasoning.{name}", said[name], known - {None})
    if message := refusal(body["model"], (said or {}).get("effort")):
        raise Refused(message, "reasoning.effort", "unsupported_value")
    for name in set(said or {}) - {"effort", "summary", "generate_summary"}:
        raise unknown(f"reasoning.{name}")
    if reasoning:
        for name in ("temperature", "top_p"):
            if body.get(name) not in (None, 1, 1.0):
                raise Refused(
                    f"Unsupported parameter: '{name}' is not supported with this model.", name, "unsupported_parameter"
                )
        if body.get("top_logprobs"):
            raise Refused("logprobs are not supported with reasoning models.", "top_logprobs")


def _tools(body: dict[str, Any]) -> None:
    names = set()
    for number, tool in enumerate(body.get("tools") or []):
        where = f"tools[{number}]"
        if not isinstance(tool, dict) or "type" not in tool:
            raise missing(f"{where}.type")
        if tool["type"] != "function":
            if tool["type"] not in ("web_search", "custom"):
                raise invalid(f"{where}.type", tool["type"], {"function", "web_search", "custom"})
            if tool["type"] == "web_search":
                _search(tool, where)
            continue
        if "name" not in tool:
            raise missing(f"{where}.name")
        for name in set(tool) - {"type", "name", "description", "parameters", "strict"}:
            raise unknown(f"{where}.{name}")
        if not NAME.match(tool["name"]):
            raise Refused(f"Invalid '{where}.name': string does not match pattern.", f"{where}.name", "invalid_value")
        schema = tool.get("parameters")
        if not isinstance(schema, dict) or schema.get("type") != "object":
            raise Refused(
                f"Invalid schema for function '{tool['name']}': schema must be a JSON Schema of 'type: \"object\"'.",
                f"{where}.parameters",
                "invalid_function_parameters",
            )
        if why := unsaid(schema):
            raise Refused(
                f"Invalid schema for function '{tool['name']}': {why}",
                f"{where}.parameters",
                "invalid_function_parameters",
            )
        # Strict unless it says otherwise.
        if tool.get("strict", True):
            what = f"function '{tool['name']}'"
            _strict(schema, what, f"{where}.parameters", "invalid_function_parameters")
        names.add(tool["name"])
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if choice.get("type") == "function":
            if set(choice) != {"type", "name"} or choice["name"] not in names:
                raise Refused("Tool choice 'function' not found in 'tools' parameter.", "tool_choice")
        elif choice.get("type") == "web_search":
            if all(tool["type"] != "web_search" for tool in body.get("tools") or []):
                raise Refused("Tool choice 'web_search' not found in 'tools' parameter.", "tool_choice")
        elif choice.get("type") != "allowed_tools":
            raise invalid("tool_choice.type", choice.get("type"), {"function", "allowed_tools"})
        elif {tool.get("name") for tool in choice["tools"]} - names:
            raise Refused("Tool choice 'allowed_tools' not found in 'tools' parameter.", "tool_choice")
    elif choice not in (None, "none", "auto", "required"):
        raise invalid("tool_choice", choice, {"none", "auto", "required"})


def _search(tool: dict[str, Any], where: str) -> None:
    for name in set(tool) - {"type", "filters", "search_context_size", "user_location"}:
        raise unknown(f"{where}.{name}")
    for name in set(tool.get("filters") or {}) - {"allowed_domains", "blocked_domains"}:
        raise unknown(f"{where}.filters.{name}")
    sizes = {"low", "medium", "high"}
    if tool.get("search_context_size", "medium") not in sizes:
        raise invalid(f"{where}.search_context_size", tool["search_context_size"], sizes)
    place = tool.get("user_location") or {"type": "approximate"}
    for name in set(place) - {"type", "city", "region", "country", "timezone"}:
        raise unknown(f"{where}.user_location.{name}")
    if place.get("type") != "approximate":
        raise invalid(f"{where}.user_location.type", place.get("type"), {"approximate"})


def _text(body: dict[str, Any]) -> None:
    text = body.get("text") or {}
    for name in set(text) - {"format", "verbosity"}:
        raise unknown(f"text.{name}")
    form = text.get("format")
    if form is None:
        return
    if form.get("type") not in ("text", "json_object", "json_schema"):
        raise invalid("text.format.type", form.get("type"), {"text", "json_object", "json_schema"})
    if form["type"] == "json_object" and "json" not in str(body.get("input")).lower():
        raise Refused(
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
            "input",
        )
    if form["type"] == "json_schema":
        for name in ("name", "schema"):
            if name not in form:
                raise missing(f"text.format.{name}")
        for name in set(form) - {"type", "name", "schema", "description", "strict"}:
            raise unknown(f"text.format.{name}")
        _rooted(form["schema"], form["name"], "text.format.schema")
        if form.get("strict"):
            _strict(form["schema"], f"response_format '{form['name']}'", "text.format.schema", "invalid_json_schema")


def _items(body: dict[str, Any]) -> None:
    items = body.get("input")
    if isinstance(items, str) or items is None:
        return
    if not isinstance(items, list):
        raise Refused("Invalid type for 'input': expected a string or array.", "input", "invalid_type")
    calls: dict[str, bool] = {}
    for number, item in enumerate(items):
        where = f"input[{number}]"
        kind = item.get("type", "message" if "role" in item else None)
        if kind not in ITEMS:
            raise invalid(where, kind, ITEMS)
        for name in set(item) - ITEMS[kind]:
            raise unknown(f"{where}.{name}")
        if kind == "message":
            _message(item, where)
        elif kind == "reasoning":
            _reasoning(item, where)
        elif kind == "compaction" and not str(item.get("encrypted_content", "")).startswith(SEAL):
            raise Refused("The encrypted content could not be verified.", where, "invalid_encrypted_content")
        elif kind == "function_call":
            for name in ("call_id", "name", "arguments"):
                if not isinstance(item.get(name), str):
                    raise missing(f"{where}.{name}")
            _call_id(item, where)
            calls[item["call_id"]] = False
        elif kind == "function_call_output":
            if not isinstance(item.get("call_id"), str) or "output" not in item:
                raise missing(f"{where}.call_id")
            _call_id(item, where)
            if item["call_id"] not in calls and not body.get("previous_response_id"):
                raise Refused(f"No tool call found for function call output with call_id {item['call_id']}.", "input")
            calls[item["call_id"]] = True
            if not isinstance(item["output"], str):
                _parts(item["output"], INPUT, f"{where}.output")
    for call_id, answered in calls.items():
        if not answered:
            raise Refused(f"No tool output found for function call {call_id}.", "input")


def _call_id(item: dict[str, Any], where: str) -> None:
    if not 1 <= len(item["call_id"]) <= 64:
        raise Refused(
            f"Invalid '{where}.call_id': string too long. Expected a string with maximum length 64.",
            f"{where}.call_id",
            "string_above_max_length",
        )


def _message(item: dict[str, Any], where: str) -> None:
    role = item.get("role")
    if role not in PARTS_OF:
        raise invalid(where, role, PARTS_OF)
    content = item.get("content")
    if content is None:
        raise missing(f"{where}.content")
    if not isinstance(content, str):
        _parts(content, PARTS_OF[role], f"{where}.content")


def _parts(parts: Any, known: set[str], where: str) -> None:
    if not isinstance(parts, list):
        raise Refused(f"Invalid type for '{where}': expected a string or array.", where, "invalid_type")
    for number, part in enumerate(parts):
        here = f"{where}[{number}]"
        if part.get("type") not in known:
            raise invalid(here, part.get("type"), known)
        for name in set(part) - PARTS[part["type"]]:
            raise unknown(f"{here}.{name}")
        if part["type"] in ("input_text", "output_text") and not isinstance(part.get("text"), str):
            raise missing(f"{here}.text")
        url = part.get("image_url")
        if isinstance(url, str) and not url.startswith(("https://", "http://")):
            found = re.match(r"data:image/(png|jpeg|gif|webp);base64,(.*)$", url, re.S)
            if not found:
                raise Refused("The image data you provided does not represent a valid image.", "input", "invalid_image")
            _base64(found[2], here)
        if part.get("file_data") is not None:
            if not part.get("filename"):
                raise missing(f"{here}.filename")
            found = re.match(r"data:[a-z]+/[a-z0-9.+-]+;base64,(.*)$", part["file_data"], re.S)
            if not found:
                raise Refused(f"Invalid file data: '{here}.file_data'.", "input", "invalid_value")
            _base64(found[1], here)


def _reasoning(item: dict[str, Any], where: str) -> None:
    if not isinstance(item.get("summary"), list):
        raise missing(f"{where}.summary")
    sealed = item.get("encrypted_content")
    if sealed is not None and not sealed.startswith(SEAL):
        raise Refused(
            f"The encrypted content {sealed[:4]}...{sealed[-4:]} could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
            None,
            "invalid_encrypted_content",
        )
    if sealed is None and not item.get("id"):
        raise missing(f"{where}.id")
