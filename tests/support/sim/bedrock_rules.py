"""What Bedrock's Converse refuses, with the words of the real refusals.

The shapes are those of the SDK's service model (unknown members, missing ones, unions, patterns and limits); the rules
beyond it follow errors that users of the API have reported. What a Claude model itself refuses is known to
`anthropic_rules`; Bedrock passes that on.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.model import Shape

from . import anthropic_rules

MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")
NAME = re.compile(r"^[A-Za-z0-9\-()\[\]]+( [A-Za-z0-9\-()\[\]]+)*$")
OPEN = ("additionalModelRequestFields",)


class Refused(Exception):
    """An error answer: status, AWS's name for it, message."""

    def __init__(self, message: str, status: int = 400, kind: str = "ValidationException") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind


def check(body: Any, model: str, signed: Callable[[str, str], bool]) -> dict[str, Any]:
    """Raises `Refused` where the real API answers 400; the request in Anthropic's words otherwise."""
    if not isinstance(body, dict):
        raise Refused("Unexpected type for request body")
    _shape({**body, "modelId": model}, MODEL.operation_model("Converse").input_shape, "")
    messages = body.get("messages") or []
    if not messages:
        raise Refused("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
    _conversation(body, messages)
    claude = "claude" in model
    family_refusals(body, model)
    inner = to_anthropic(body, model)
    if claude:
        additional = body.get("additionalModelRequestFields") or {}
        betas = ",".join(additional.get("anthropic_beta") or [])
        try:
            anthropic_rules.check(inner, "2023-06-01", betas, signed)
        except anthropic_rules.Refused as refused:
            raise Refused(f"The model returned the following errors: {refused.message}") from None
    return inner


def _shape(value: Any, shape: Shape, where: str) -> None:
    kind = shape.type_name
    place = where.lstrip(".") or "the request"
    if kind == "structure" and getattr(shape, "is_document_type", False):
        return
    if kind == "structure":
        if not isinstance(value, dict):
            raise Refused(f"Invalid type for {place}: an object was expected")
        for name in value:
            if name not in shape.members:
                raise Refused(f"Malformed input request: #/{place.replace('.', '/')}: extraneous key [{name}] is not permitted, please reformat your input and try again.")
        for name in shape.required_members:
            if value.get(name) is None:
                raise Refused(f"1 validation error detected: Value null at '{place}.{name}' failed to satisfy constraint: Member must not be null")
        if getattr(shape, "is_tagged_union", False) and len(value) != 1:
            raise Refused(f"The value at {place} is invalid: exactly one member of a union must be set, got {sorted(value)}")
        for name, inner in value.items():
            _shape(inner, shape.members[name], f"{where}.{name}")
    elif kind == "list":
        if not isinstance(value, list):
            raise Refused(f"Invalid type for {place}: a list was expected")
        _limits(len(value), shape, place)
        for number, inner in enumerate(value):
            _shape(inner, shape.member, f"{where}.{number}")
    elif kind == "map":
        if not isinstance(value, dict):
            raise Refused(f"Invalid type for {place}: a map was expected")
        _limits(len(value), shape, place)
        for name, inner in value.items():
            _shape(name, shape.key, f"{where}.{name}")
            _shape(inner, shape.value, f"{where}.{name}")
    elif kind in ("string", "blob"):
        if not isinstance(value, str):
            raise Refused(f"Invalid type for {place}: a string was expected")
        if kind == "blob":
            try:
                base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                raise Refused(f"{place} is not valid base64") from None
            return
        if shape.enum and value not in shape.enum:
            raise Refused(f"Value '{value}' at '{place}' failed to satisfy constraint: Member must satisfy enum value set: {shape.enum}")
        _limits(len(value), shape, place)
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            raise Refused(f"Value '{value}' at '{place}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}")
    elif kind in ("integer", "long", "float", "double"):
        whole = kind in ("integer", "long")
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise Refused(f"Invalid type for {place}: a number was expected")
        _limits(value, shape, place)
    elif kind == "boolean" and not isinstance(value, bool):
        raise Refused(f"Invalid type for {place}: a boolean was expected")


def _limits(value: float, shape: Shape, place: str) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and value < low) or (high is not None and value > high):
        raise Refused(f"Value at '{place}' failed to satisfy constraint: must be between {low} and {high}")


def _conversation(body: dict[str, Any], messages: list[Any]) -> None:
    if messages[0]["role"] != "user":
        raise Refused("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
    wanted: list[str] = []
    names: set[str] = set()
    uses_tools = False
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        if number and message["role"] == messages[number - 1]["role"]:
            raise Refused("A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.")
        if not message["content"]:
            raise Refused(f"The content field in the Message object at {where} is empty. Add a ContentBlock object to the content field and try again.")
        results, calls = [], []
        for at, block in enumerate(message["content"]):
            if "text" in block and not block["text"].strip():
                raise Refused(f"The text field in the ContentBlock object at {where}.content.{at} is blank. Add text to the text field, and try again.")
            if "toolUse" in block:
                calls.append(block["toolUse"]["toolUseId"])
                if not isinstance(block["toolUse"]["input"], dict):
                    raise Refused(f"The format of the value at {where}.content.{at}.toolUse.input is invalid. Provide a json object for the field and try again.")
            if "toolResult" in block:
                results.append(block["toolResult"]["toolUseId"])
                if not block["toolResult"]["content"]:
                    raise Refused(f"The content field in the toolResult object at {where}.content.{at} is empty.")
            for place in [block, *(block.get("toolResult") or {}).get("content", [])]:
                _document(place, names)
        if any("document" in block for block in message["content"]) and not any("text" in block for block in message["content"]):
            raise Refused("The model returned the following errors: A text block is required when a document is included.")
        if message["role"] == "user":
            if set(results) - set(wanted):
                raise Refused(f"The number of toolResult blocks at {where}.content exceeds the number of toolUse blocks of previous turn.")
            if set(wanted) - set(results):
                raise Refused(f"Expected toolResult blocks at {where}.content for the following Ids: {', '.join(wanted)}")
        elif results:
            raise Refused(f"toolResult blocks are not permitted at {where}")
        uses_tools = uses_tools or bool(calls or results)
        wanted = calls
    if uses_tools and "toolConfig" not in body:
        raise Refused("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    for block in body.get("system") or []:
        if "text" in block and not block["text"].strip():
            raise Refused("The text field in the SystemContentBlock object is blank.")


def _document(block: dict[str, Any], names: set[str]) -> None:
    document = block.get("document")
    if document is None:
        return
    if not NAME.match(document["name"]):
        raise Refused("The document name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.")
    if document["name"] in names:
        raise Refused("Messages include duplicate document names.")
    names.add(document["name"])


def family_refusals(body: dict[str, Any], model: str) -> None:
    """What only some families of models take."""
    caches = "claude" in model or "nova" in model
    config = body.get("toolConfig") or {}
    if "claude" in model and any("audio" in block for message in body["messages"] for block in message["content"]):
        raise Refused("This model doesn't support the audio content block that you provided. Update the content block and try again.")
    blocks = [*(body.get("system") or []), *config.get("tools", [])]
    blocks += [block for message in body["messages"] for block in message["content"]]
    if not caches and any("cachePoint" in block for block in blocks):
        raise Refused("You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.", 403, "AccessDeniedException")
    if "claude" not in model and "openai" not in model and any("reasoningContent" in block for block in blocks):
        raise Refused("User messages cannot contain reasoning content. Please remove the reasoning content and try again.")
    inside = [inner for block in blocks for inner in block.get("toolResult", {}).get("content", [])]
    if "claude" not in model and any("searchResult" in block for block in [*blocks, *inside]):
        raise Refused("This model doesn't support the searchResult content block that you provided. Update the content block and try again.")
    choice = next(iter(config.get("toolChoice") or {"auto": {}}))
    if choice != "auto" and not caches and not ("mistral" in model and choice == "any"):
        raise Refused(f"This model doesn't support the toolConfig.toolChoice.{choice} field. Remove toolConfig.toolChoice.{choice} and try again.")
    if "outputConfig" in body and "nova" in model:
        raise Refused("This model doesn't support the outputConfig field. Remove outputConfig and try again.")


def to_anthropic(body: dict[str, Any], model: str) -> dict[str, Any]:
    """The request in Anthropic's words: what the model behind gets."""
    config, additional = body.get("inferenceConfig") or {}, dict(body.get("additionalModelRequestFields") or {})
    additional.pop("anthropic_beta", None)
    for nova in ("inferenceConfig", "reasoningConfig", "reasoning_effort"):
        value = additional.pop(nova, None)
        if nova != "inferenceConfig" and value not in (None, {"type": "disabled"}):
            additional["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    tools = body.get("toolConfig") or {}
    inner: dict[str, Any] = {
        "model": model,
        "max_tokens": config.get("maxTokens", 4096),
        "messages": [
            {"role": message["role"], "content": _blocks(message["content"])} for message in body["messages"]
        ],
    }
    if body.get("system"):
        inner["system"] = _blocks(body["system"])
    for name, theirs in (("temperature", "temperature"), ("topP", "top_p"), ("stopSequences", "stop_sequences")):
        if name in config:
            inner[theirs] = config[name]
    if tools:
        inner["tools"] = _tools(tools["tools"])
        for kind, value in (tools.get("toolChoice") or {}).items():
            inner["tool_choice"] = {"type": kind, **value}
    output = body.get("outputConfig") or {}
    form = (output.get("textFormat") or {}).get("structure", {}).get("jsonSchema")
    if form:
        inner["output_config"] = {"format": {"type": "json_schema", "schema": json.loads(form["schema"])}}
    for name, value in additional.items():
        inner[name] = inner.get(name, {}) | value if isinstance(value, dict) else value
    return inner


def _tools(tools: list[Any]) -> list[Any]:
    found: list[Any] = []
    for tool in tools:
        if "toolSpec" in tool:
            spec = tool["toolSpec"]
            made = {"name": spec["name"], "input_schema": spec["inputSchema"]["json"]}
            found.append(made | {name: spec[name] for name in ("description", "strict") if name in spec})
        elif "cachePoint" in tool:
            found[-1]["cache_control"] = _cache(tool["cachePoint"])
    return found


def _cache(point: dict[str, Any]) -> dict[str, Any]:
    return {"type": "ephemeral"} | ({"ttl": point["ttl"]} if "ttl" in point else {})


def _blocks(blocks: list[Any]) -> list[Any]:
    found: list[Any] = []
    for block in blocks:
        if "cachePoint" in block:
            if not found:
                raise Refused("A cachePoint has to follow a block.")
            found[-1]["cache_control"] = _cache(block["cachePoint"])
        else:
            found.append(_block(block))
    return found


def _block(block: dict[str, Any]) -> dict[str, Any]:
    kind, value = next(iter(block.items()))
    if kind == "text":
        return {"type": "text", "text": value}
    if kind == "guardContent":
        return {"type": "text", "text": value["text"]["text"]}
    if kind == "image":
        data = value["source"].get("bytes", "aGk=")
        return {"type": "image", "source": {"type": "base64", "media_type": f"image/{value['format']}", "data": data}}
    if kind == "searchResult":
        pieces = [{"type": "text", "text": piece["text"]} for piece in value["content"]]
        found = {"type": "search_result", "source": value["source"], "title": value["title"], "content": pieces}
        return found | ({"citations": value["citations"]} if "citations" in value else {})
    if kind in ("document", "video", "audio"):
        data = value["source"].get("bytes", "aGk=")
        return {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}}
    if kind == "toolUse":
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", value["toolUseId"])
        return {"type": "tool_use", "id": name, "name": value["name"], "input": value["input"]}
    if kind == "toolResult":
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", value["toolUseId"])
        made: dict[str, Any] = {"type": "tool_result", "tool_use_id": name, "content": _blocks(value["content"])}
        return made | ({"is_error": True} if value.get("status") == "error" else {})
    if kind == "json":
        return {"type": "text", "text": json.dumps(value)}
    if kind == "reasoningContent":
        if "redactedContent" in value:
            return {"type": "redacted_thinking", "data": value["redactedContent"]}
        said = value["reasoningText"]
        return {"type": "thinking", "thinking": said["text"], "signature": said.get("signature", "")}
    raise Refused(f"This model doesn't support the {kind} content block that you provided. Update the content block and try again.")
