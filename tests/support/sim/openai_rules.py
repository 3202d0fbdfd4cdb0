"""What OpenAI's chat completions refuse, with the words and fields of the real refusals.

Field lists are those of the public API reference; the messages follow errors that users of the API have reported.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from .openai_efforts import KNOWN, refusal
from .schema import keywords, loose_objects, optional_properties, unsaid

TOP = set(
    [
        "messages",
        "model",
        "store",
        "metadata",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "modalities",
        "prediction",
        "audio",
        "presence_penalty",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "user",
        "function_call",
        "functions",
        "reasoning_effort",
        "web_search_options",
        "verbosity",
        "prompt_cache_key",
        "prompt_cache_retention",
        "prompt_cache_options",
        "safety_identifier",
        "moderation",
    ]
)
MESSAGE = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "refusal", "audio", "tool_calls", "function_call"},
    "tool": {"role", "content", "tool_call_id"},
    "function": {"role", "content", "name"},
}
PARTS = {
    "text": {"type", "text"},
    "image_url": {"type", "image_url"},
    "input_audio": {"type", "input_audio"},
    "file": {"type", "file"},
    "refusal": {"type", "refusal"},
}
PARTS_OF = {
    "system": {"text"},
    "developer": {"text"},
    "tool": {"text"},
    "assistant": {"text", "refusal"},
    "user": {"text", "image_url", "input_audio", "file"},
}
REASONING = re.compile(r"^(o\d|gpt-5)")
NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


class Refused(Exception):
    """A 400 (or `status`) with OpenAI's four error fields."""

    def __init__(
        self,
        message: str,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        kind: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.status = status
        self.kind = kind or "invalid_request_error"


def check(body: Any, *, reasoning: bool, lenient: bool = False) -> None:
    """Raises `Refused` where the real API answers 400; a lenient peer overlooks fields it does not know."""
    if not isinstance(body, dict):
        raise Refused("We could not parse the JSON body of your request.")
    for name in body:
        if name not in TOP and not lenient:
            raise Refused(f"Unrecognized request argument supplied: {name}")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise Refused("you must provide a model parameter")
    if "messages" not in body:
        raise Refused("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    _parameters(body, reasoning)
    _tools(body, lenient)
    _format(body)
    _messages(body["messages"], lenient)


def _ranged(body: dict[str, Any], name: str, low: float, high: float) -> None:
    value = body.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(
            f"Invalid type for '{name}': expected a decimal, but got {type(value).__name__} instead.",
            name,
            "invalid_type",
        )
    if value < low:
        raise Refused(
            f"Invalid '{name}': decimal below minimum value. Expected a value >= {low}, but got {value} instead.",
            name,
            "decimal_below_min_value",
        )
    if value > high:
        raise Refused(
            f"Invalid '{name}': decimal above maximum value. Expected a value <= {high}, but got {value} instead.",
            name,
            "decimal_above_max_value",
        )


def _parameters(body: dict[str, Any], reasoning: bool) -> None:
    _ranged(body, "temperature", 0, 2)
    _ranged(body, "top_p", 0, 1)
    _ranged(body, "frequency_penalty", -2, 2)
    _ranged(body, "presence_penalty", -2, 2)
    _ranged(body, "n", 1, 128)
    _ranged(body, "top_logprobs", 0, 20)
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise Refused(f"Invalid type for '{name}': expected an integer.", name, "invalid_type")
        if value is not None and value < 1:
            raise Refused(
                f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {value} instead.",
                name,
                "integer_below_min_value",
            )
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Refused(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            code="invalid_parameter_combination",
        )
    if "stream_options" in body and body["stream_options"] is not None and not body.get("stream"):
        raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    for name in body.get("stream_options") or {}:
        if name not in ("include_usage", "include_obfuscation"):
            raise Refused(f"Unknown parameter: 'stream_options.{name}'.", f"stream_options.{name}", "unknown_parameter")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Refused("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs")
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > 4:
        raise Refused(
            f"Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length {len(stop)} instead.",
            "stop",
            "array_above_max_length",
        )
    if stop is not None and not isinstance(stop, (str, list)):
        raise Refused("Invalid type for 'stop'.", "stop", "invalid_type")
    if body.get("user") is not None and not isinstance(body["user"], str):
        raise Refused("Invalid type for 'user': expected a string.", "user", "invalid_type")
    if len(body.get("user") or "") > 64:
        raise Refused(
            f"Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length {len(body['user'])} instead.",
            "user",
            "string_above_max_length",
        )
    if body.get("metadata") is not None and not body.get("store"):
        raise Refused("The 'metadata' parameter is only allowed when 'store' is enabled.", "metadata")
    if not reasoning:
        if body.get("reasoning_effort") is not None:
            raise Refused("Unrecognized request argument supplied: reasoning_effort")
        return
    effort = body.get("reasoning_effort")
    if effort not in (None, *KNOWN):
        raise Refused("Invalid value: 'reasoning_effort'.", "reasoning_effort", "invalid_value")
    if message := refusal(body["model"], effort):
        raise Refused(message, "reasoning_effort", "unsupported_value")
    if body.get("max_tokens") is not None:
        raise Refused(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    for name in ("presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias", "stop"):
        if body.get(name):
            raise Refused(
                f"Unsupported parameter: '{name}' is not supported with this model.", name, "unsupported_parameter"
            )
    for name in ("temperature", "top_p"):
        if body.get(name) not in (None, 1, 1.0):
            raise Refused(
                f"Unsupported value: '{name}' does not support {body[name]} with this model. Only the default (1) value is supported.",
                name,
                "unsupported_value",
            )


def _tools(body: dict[str, Any], lenient: bool) -> None:
    tools = body.get("tools")
    if tools is not None and (not isinstance(tools, list) or not tools):
        raise Refused(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "tools",
            "empty_array",
        )
    names = set()
    for number, tool in enumerate(tools or []):
        where = f"tools[{number}]"
        if not isinstance(tool, dict) or tool.get("type") != "function":
            raise Refused(
                f"Invalid value: '{tool.get('type') if isinstance(tool, dict) else tool}'. Supported values are: 'function' and 'custom'.",
                f"{where}.type",
                "invalid_value",
            )
        extra = set(tool) - {"type", "function"}
        if extra:
            name = sorted(extra)[0]
            raise Refused(f"Unknown parameter: '{where}.{name}'.", f"{where}.{name}", "unknown_parameter")
        function = tool.get("function")
        if not isinstance(function, dict) or "name" not in function:
            raise Refused(
                f"Missing required parameter: '{where}.function.name'.",
                f"{where}.function.name",
                "missing_required_parameter",
            )
        for name in set(function) - {"name", "description", "parameters", "strict"}:
            raise Refused(
                f"Unknown parameter: '{where}.function.{name}'.", f"{where}.function.{name}", "unknown_parameter"
            )
        if not NAME.match(function["name"]):
            raise Refused(
                f"Invalid '{where}.function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                f"{where}.function.name",
                "invalid_value",
            )
        schema = function.get("parameters")
        if schema is not None and (not isinstance(schema, dict) or schema.get("type", "None") != "object"):
            kind = schema.get("type", "None") if isinstance(schema, dict) else "None"
            raise Refused(
                f"Invalid schema for function '{function['name']}': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'.",
                f"{where}.function.parameters",
                "invalid_function_parameters",
            )
        if not lenient and (why := unsaid(schema)):
            raise Refused(
                f"Invalid schema for function '{function['name']}': {why}",
                f"{where}.function.parameters",
                "invalid_function_parameters",
            )
        if function.get("strict"):
            _strict(
                schema or {},
                f"function '{function['name']}'",
                f"{where}.function.parameters",
                "invalid_function_parameters",
            )
        names.add(function["name"])
    choice = body.get("tool_choice")
    if choice is not None and not tools:
        raise Refused(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.", "tool_choice"
        )
    if body.get("parallel_tool_calls") is not None and not tools:
        raise Refused(
            "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
            "parallel_tool_calls",
        )
    if isinstance(choice, dict):
        if choice.get("type") != "function" or set(choice) != {"type", "function"}:
            raise Refused("Invalid value for 'tool_choice'.", "tool_choice", "invalid_value")
        if choice["function"].get("name") not in names:
            raise Refused(
                f"Tool choice '{choice['function'].get('name')}' not found in 'tools' parameter.", "tool_choice"
            )
    elif choice is not None and choice not in ("none", "auto", "required") and not (lenient and choice == "any"):
        raise Refused(
            f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.",
            "tool_choice",
            "invalid_value",
        )


NOT_STRICT = {"allOf", "oneOf", "not", "if", "then", "else", "default", "patternProperties", "dependentSchemas"}


def _strict(schema: Any, what: str, param: str, code: str | None) -> None:
    for word in sorted(keywords(schema) & NOT_STRICT):
        raise Refused(f"Invalid schema for {what}: In context=(), '{word}' is not permitted.", param, code)
    for path in loose_objects(schema):
        raise Refused(
            f"Invalid schema for {what}: In context=({path!r}), 'additionalProperties' is required to be supplied and to be false.",
            param,
            code,
        )
    for path in optional_properties(schema):
        raise Refused(
            f"Invalid schema for {what}: In context=(), 'required' is required to be supplied and to be an array including every key in properties. Missing '{path}'.",
            param,
            code,
        )


def _format(body: dict[str, Any]) -> None:
    form = body.get("response_format")
    if form is None:
        return
    kind = form.get("type") if isinstance(form, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise Refused(
            f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            "response_format.type",
            "invalid_value",
        )
    if kind == "json_object" and "json" not in str(body["messages"]).lower():
        raise Refused(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            "messages",
        )
    if kind == "json_schema":
        spec = form.get("json_schema")
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
            raise Refused(
                "Missing required parameter: 'response_format.json_schema.name'.",
                "response_format.json_schema.name",
                "missing_required_parameter",
            )
        for name in set(spec) - {"name", "description", "schema", "strict"}:
            raise Refused(
                f"Unknown parameter: 'response_format.json_schema.{name}'.",
                f"response_format.json_schema.{name}",
                "unknown_parameter",
            )
        if not NAME.match(spec["name"]):
            raise Refused(
                "Invalid 'response_format.json_schema.name': string does not match pattern.",
                "response_format.json_schema.name",
                "invalid_value",
            )
        _rooted(spec.get("schema"), spec["name"], "response_format")
        if spec.get("strict"):
            _strict(spec.get("schema") or {}, f"response_format '{spec['name']}'", "response_format", None)


def _rooted(schema: Any, name: str, param: str) -> None:
    """The root of an answer's schema is one object, and no choice."""
    kind = schema.get("type", "None") if isinstance(schema, dict) else "None"
    if kind != "object" or "anyOf" in schema:
        raise Refused(
            f"Invalid schema for response_format '{name}': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'.",
            param,
            "invalid_json_schema",
        )


def _messages(messages: Any, lenient: bool) -> None:
    if not isinstance(messages, list) or not messages:
        raise Refused(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "messages",
            "empty_array",
        )
    open_calls: list[str] = []
    answerable: set[str] = set()
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in MESSAGE:
            raise Refused(
                f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
                f"{where}.role",
                "invalid_value",
            )
        for name in set() if lenient else set(message) - MESSAGE[role]:
            raise Refused(f"Unknown parameter: '{where}.{name}'.", f"{where}.{name}", "unknown_parameter")
        if role == "tool":
            if message.get("tool_call_id") is None:
                raise Refused(
                    "Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.", where
                )
            if message["tool_call_id"] not in answerable:
                raise Refused(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    f"{where}.role",
                )
            if message["tool_call_id"] in open_calls:
                open_calls.remove(message["tool_call_id"])
        elif open_calls:
            raise Refused(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
                + ", ".join(open_calls),
                f"{where}.role",
            )
        if role == "assistant":
            open_calls = _calls(message, where)
            answerable = set(open_calls)
        _content(message, role, where, lenient)
    if open_calls:
        raise Refused(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(open_calls),
            "messages",
        )


def _calls(message: dict[str, Any], where: str) -> list[str]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not calls:
        raise Refused(
            f"Invalid '{where}.tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            f"{where}.tool_calls",
            "empty_array",
        )
    ids = []
    for number, call in enumerate(calls):
        here = f"{where}.tool_calls[{number}]"
        for name in set(call) - {"id", "type", "function"}:
            raise Refused(f"Unknown parameter: '{here}.{name}'.", f"{here}.{name}", "unknown_parameter")
        if call.get("type") != "function" or not isinstance(call.get("id"), str):
            raise Refused(f"Missing required parameter: '{here}.id'.", f"{here}.id", "missing_required_parameter")
        if len(call["id"]) > 40:
            raise Refused(
                f"Invalid '{here}.id': string too long. Expected a string with maximum length 40, but got a string with length {len(call['id'])} instead.",
                f"{here}.id",
                "string_above_max_length",
            )
        function = call.get("function") or {}
        if set(function) != {"name", "arguments"} or not isinstance(function["arguments"], str):
            raise Refused(
                f"Invalid type for '{here}.function.arguments': expected a string.",
                f"{here}.function.arguments",
                "invalid_type",
            )
        if not NAME.match(function["name"]):
            raise Refused(
                f"Invalid '{here}.function.name': string does not match pattern.",
                f"{here}.function.name",
                "invalid_value",
            )
        ids.append(call["id"])
    return ids


def _content(message: dict[str, Any], role: str, where: str, lenient: bool) -> None:
    content = message.get("content")
    if content is None:
        if role == "assistant" and (message.get("tool_calls") or message.get("refusal") or message.get("audio")):
            return
        raise Refused("Invalid value for 'content': expected a string, got null.", f"{where}.content")
    if isinstance(content, str):
        return
    if not isinstance(content, list) or not content:
        raise Refused(
            f"Invalid type for '{where}.content': expected one of a string or array of objects.",
            f"{where}.content",
            "invalid_type",
        )
    for number, part in enumerate(content):
        here = f"{where}.content[{number}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in PARTS_OF.get(role, set()):
            raise Refused(
                f"Invalid value: '{kind}'. Supported values are: {sorted(PARTS_OF.get(role, set()))}.",
                f"{here}.type",
                "invalid_value",
            )
        for name in set() if lenient else set(part) - PARTS[kind]:
            raise Refused(f"Unknown parameter: '{here}.{name}'.", f"{here}.{name}", "unknown_parameter")
        if kind == "text" and not isinstance(part.get("text"), str):
            raise Refused(f"Missing required parameter: '{here}.text'.", f"{here}.text", "missing_required_parameter")
        if kind == "image_url":
            _image(part["image_url"], here)
        if kind == "file":
            _file(part["file"], here)


def _image(image: Any, where: str) -> None:
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str):
        raise Refused(
            f"Invalid type for '{where}.image_url': expected an object.", f"{where}.image_url", "invalid_type"
        )
    if set(image) - {"url", "detail"}:
        raise Refused(
            f"Unknown parameter: '{where}.image_url.{sorted(set(image) - {'url', 'detail'})[0]}'.",
            where,
            "unknown_parameter",
        )
    if url.startswith(("https://", "http://")):
        return
    found = re.match(r"data:image/(png|jpeg|gif|webp);base64,(.*)$", url, re.S)
    if not found:
        raise Refused(
            "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
            where,
            "image_parse_error",
        )
    _base64(found[2], where)


def _file(file: Any, where: str) -> None:
    if set(file) - {"file_id", "filename", "file_data"}:
        raise Refused(
            f"Unknown parameter: '{where}.file.{sorted(set(file) - {'file_id', 'filename', 'file_data'})[0]}'.",
            where,
            "unknown_parameter",
        )
    if "file_id" in file:
        return
    if not file.get("filename"):
        raise Refused(
            f"Missing required parameter: '{where}.file.filename'.",
            f"{where}.file.filename",
            "missing_required_parameter",
        )
    found = re.match(r"data:application/pdf;base64,(.*)$", file.get("file_data") or "", re.S)
    if not found:
        raise Refused(
            f"Invalid '{where}.file.file_data'. Expected a base64-encoded data URL with an application/pdf MIME type.",
            f"{where}.file.file_data",
            "invalid_value",
        )
    _base64(found[1], where)


def _base64(data: str, where: str) -> None:
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("Invalid base64 image_url.", where, "invalid_base64") from None
