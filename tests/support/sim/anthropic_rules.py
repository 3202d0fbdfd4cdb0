"""What Anthropic's Messages API refuses, with the words and paths of the real refusals.

Field lists are those of the public API reference; the messages follow errors that users of the API have reported.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from .claude import Claude
from .schema import is_outdated, keywords, loose_objects, unfollowed

TOP = set(
    [
        "model",
        "messages",
        "max_tokens",
        "system",
        "stop_sequences",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "metadata",
        "tools",
        "tool_choice",
        "thinking",
        "service_tier",
        "container",
        "output_config",
        "cache_control",
        "inference_geo",
        "diagnostics",
        "speed",
        "user_profile_id",
        "workspace_id",
    ]
)
# What may be asked to be counted: what the model reads, and nothing of how it answers.
COUNTED = {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"}
BETA_TOP = {"context_management", "mcp_servers", "betas", "fallbacks", "compaction", "output_format"}
CACHED = {"cache_control"}
BLOCKS = {
    "text": {"type", "text", "citations"} | CACHED,
    "image": {"type", "source", "transformations"} | CACHED,
    "document": {"type", "source", "title", "context", "citations"} | CACHED,
    "search_result": {"type", "content", "source", "title", "citations"} | CACHED,
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "name", "input", "caller", "toolset_name"} | CACHED,
    "tool_result": {"type", "tool_use_id", "content", "is_error", "toolset_name"} | CACHED,
    "server_tool_use": {"type", "id", "name", "input", "caller"} | CACHED,
    "web_search_tool_result": {"type", "tool_use_id", "content", "caller"} | CACHED,
}
BLOCKS_OF = {
    "user": {"text", "image", "document", "search_result", "tool_result"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "web_search_tool_result"},
    "result": {"text", "image", "document", "search_result"},
    "system": {"text"},
}
TOOL = {
    "type", "name", "description", "input_schema", "strict", "cache_control", "defer_loading", "input_examples",
    "allowed_callers", "eager_input_streaming",
}  # fmt: skip
IMAGES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
SEARCH = {
    "type", "name", "max_uses", "allowed_domains", "blocked_domains", "user_location", "cache_control", "defer_loading",
    "allowed_callers", "strict",
}  # fmt: skip
LOCATION = {"type", "city", "region", "country", "timezone"}
CITATION = {"type", "cited_text", "url", "title", "encrypted_index"}
UNSUPPORTED = {
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "patternProperties", "not", "if", "then", "else", "oneOf",
}  # fmt: skip


class Refused(Exception):
    """An error answer: status, Anthropic's error type, message."""

    def __init__(self, message: str, status: int = 400, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind


def check(
    body: Any,
    version: str,
    betas: str,
    signed: Callable[[str, str], bool],
    found: Callable[[str], str | None] = lambda _: None,
    *,
    counting: bool = False,
) -> None:
    """Raises `Refused` where the real API answers 400. `signed(thinking, signature)` knows this provider's own, and
    `found(sealed)` the pages that its search found; `counting`: the request is for `count_tokens`."""
    if not isinstance(body, dict):
        raise Refused("Input should be a valid dictionary")
    if version >= "2026-10-21":
        for name in ("temperature", "top_p", "top_k"):
            # This version of the API took the sampling parameters away, at their default values too.
            if name in body:
                raise Refused(f"{name}: Extra inputs are not permitted")
    for name in body:
        if name not in (COUNTED if counting else TOP) and not (betas and name in BETA_TOP):
            raise Refused(f"{name}: Extra inputs are not permitted")
    for name in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if name not in body:
            raise Refused(f"{name}: Field required")
    if counting:
        body = {"max_tokens": 1 << 20, **body}
    if isinstance(body["max_tokens"], bool) or not isinstance(body["max_tokens"], int):
        raise Refused("max_tokens: Input should be a valid integer")
    if body["max_tokens"] < 1:
        raise Refused("max_tokens: Input should be greater than or equal to 1")
    _sampling(body)
    _thinking(body)
    _tools(body)
    _output(body)
    refusal = Claude(body["model"]).refusal(body)
    if refusal is not None:
        raise Refused(refusal)
    _system(body.get("system"))
    for number, stop in enumerate(body.get("stop_sequences") or []):
        if not isinstance(stop, str) or not stop.strip():
            raise Refused(f"stop_sequences.{number}: each stop sequence must contain non-whitespace")
    for name in body.get("metadata") or {}:
        if name != "user_id":
            raise Refused(f"metadata.{name}: Extra inputs are not permitted")
    user = (body.get("metadata") or {}).get("user_id") or ""
    if len(user) > 256:
        raise Refused("metadata.user_id: String should have at most 256 characters")
    if re.fullmatch(r"\S+@\S+", user):
        raise Refused("metadata.user_id: user_id appears to contain an email address")
    if re.fullmatch(r"\+?[\d\s()-]{7,}", user):
        raise Refused("metadata.user_id: user_id appears to contain a phone number")
    _messages(body, signed)
    _searches(body["messages"], found)
    marks = _marks({name: body[name] for name in ("system", "tools", "messages") if name in body})
    if marks > 4:
        raise Refused(f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.")


def _marks(value: Any) -> int:
    if isinstance(value, list):
        return sum(_marks(item) for item in value)
    if isinstance(value, dict):
        here = int(isinstance(value.get("cache_control"), dict))
        return here + sum(_marks(item) for name, item in value.items() if name not in ("input", "input_schema"))
    return 0


def _sampling(body: dict[str, Any]) -> None:
    for name, low, high in (("temperature", 0, 1), ("top_p", 0, 1)):
        value = body.get(name)
        if value is None:
            if name in body:
                raise Refused(f"{name}: Input should be a valid number")
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Refused(f"{name}: Input should be a valid number")
        if not low <= value <= high:
            raise Refused(f"{name}: range: {low}..{high}")
    if "top_k" in body and (not isinstance(body["top_k"], int) or body["top_k"] < 0):
        raise Refused("top_k: Input should be a valid integer")
    if "stream" in body and not isinstance(body["stream"], bool):
        raise Refused("stream: Input should be a valid boolean")


def _thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        if "thinking" in body:
            raise Refused("thinking: Input should be a valid dictionary")
        return
    kind = thinking.get("type")
    allowed = {
        "adaptive": {"type", "display"},
        "between_tools": {"type"},
        "disabled": {"type"},
        "enabled": {"type", "budget_tokens", "display"},
    }
    if kind not in allowed:
        tags = ", ".join(f"'{tag}'" for tag in allowed)
        raise Refused(
            f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}"
        )
    for name in set(thinking) - allowed[kind]:
        raise Refused(f"thinking.{kind}.{name}: Extra inputs are not permitted")
    if kind in ("between_tools", "disabled"):
        return
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int):
            raise Refused("thinking.enabled.budget_tokens: Field required")
        if budget < 1024:
            raise Refused("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= body["max_tokens"]:
            raise Refused(
                "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
            )
    if body.get("temperature") not in (None, 1, 1.0):
        raise Refused(
            "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        )
    if body.get("top_p") is not None and body["top_p"] < 0.95:
        raise Refused("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")
    if "top_k" in body:
        raise Refused("`top_k` must be unset when thinking is enabled.")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")


def _tools(body: dict[str, Any]) -> None:
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise Refused("tools: Input should be a valid list")
    names: set[str] = set()
    for number, tool in enumerate(tools or []):
        kind = tool.get("type", "custom")
        name = tool.get("name")
        if kind != "custom":
            if not re.match(r"^[a-z_]+_\d{8}$", kind):
                raise Refused(
                    f"tools.{number}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
                )
            if kind.startswith("web_search_"):
                _search(tool, f"tools.{number}.{kind}")
            if name in names:
                raise Refused("tools: Tool names must be unique.")
            names.add(name)
            continue
        for field in set(tool) - TOOL:
            raise Refused(f"tools.{number}.custom.{field}: Extra inputs are not permitted")
        if not isinstance(name, str) or not re.match(r"^[a-zA-Z0-9_-]{1,128}$", name):
            raise Refused(f"tools.{number}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        schema = tool.get("input_schema")
        if not isinstance(schema, dict):
            raise Refused(f"tools.{number}.custom.input_schema: Field required")
        if "type" not in schema:
            raise Refused(f"tools.{number}.custom.input_schema.type: Field required")
        if schema["type"] != "object":
            raise Refused(f"tools.{number}.custom.input_schema.type: Input should be 'object'")
        for word in sorted({"oneOf", "allOf", "anyOf"} & set(schema)):
            raise Refused(f"tools.{number}.custom.input_schema: input_schema does not support {word} at the top level")
        if is_outdated(schema):
            raise Refused(
                f"tools.{number}.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12"
                " (https://json-schema.org/draft/2020-12)."
            )
        if tool.get("strict"):
            _followed(schema, f"tools.{number}.custom.input_schema")
        if "description" in tool and not isinstance(tool["description"], str):
            raise Refused(f"tools.{number}.custom.description: Input should be a valid string")
        if name in names:
            raise Refused("tools: Tool names must be unique.")
        names.add(name)
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, dict) or choice.get("type") not in ("auto", "any", "tool", "none"):
        raise Refused("tool_choice: Input does not match any of the expected tags: 'auto', 'any', 'tool', 'none'")
    kind = choice["type"]
    allowed = (
        {"type"}
        | ({"disable_parallel_tool_use"} if kind != "none" else set())
        | ({"name"} if kind == "tool" else set())
    )
    for field in set(choice) - allowed:
        raise Refused(f"tool_choice.{kind}.{field}: Extra inputs are not permitted")
    if not tools:
        raise Refused("tool_choice: tool_choice may only be specified while providing tools.")
    if kind == "tool" and choice.get("name") not in names:
        raise Refused(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")


def _search(tool: dict[str, Any], where: str) -> None:
    for field in set(tool) - SEARCH:
        raise Refused(f"{where}.{field}: Extra inputs are not permitted")
    if tool.get("name") != "web_search":
        raise Refused(f"{where}.name: Input should be 'web_search'")
    most = tool.get("max_uses")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise Refused(f"{where}.max_uses: Input should be greater than 0")
    if tool.get("allowed_domains") and tool.get("blocked_domains"):
        raise Refused(f"{where}: Only one of allowed_domains and blocked_domains may be given")
    for name in ("allowed_domains", "blocked_domains"):
        for domain in tool.get(name) or []:
            if not isinstance(domain, str) or "://" in domain:
                raise Refused(f"{where}.{name}: domains have no scheme")
    location = tool.get("user_location")
    if location is not None:
        for field in set(location) - LOCATION:
            raise Refused(f"{where}.user_location.{field}: Extra inputs are not permitted")
        if location.get("type") != "approximate":
            raise Refused(f"{where}.user_location.type: Input should be 'approximate'")


def _searches(messages: list[Any], found: Callable[[str], str | None]) -> None:
    """Searches of earlier turns stand with what they found, and pages are those that this provider's search found."""
    for number, message in enumerate(messages):
        blocks = message["content"] if isinstance(message["content"], list) else []
        asked: set[str] = set()
        for place, block in enumerate(blocks):
            where = f"messages.{number}.content.{place}"
            if block["type"] == "server_tool_use":
                asked.add(block["id"])
            elif block["type"] == "web_search_tool_result":
                if block["tool_use_id"] not in asked:
                    raise Refused(f"{where}: unexpected `tool_use_id` found in `web_search_tool_result` blocks")
                asked.remove(block["tool_use_id"])
                for result in block["content"]:
                    if found(result["encrypted_content"]) != result["url"]:
                        raise Refused(f"{where}: Invalid `encrypted_content` in `search_result` block")
            for citation in block.get("citations") or [] if block["type"] == "text" else []:
                if set(citation) != CITATION or citation["type"] != "web_search_result_location":
                    raise Refused(f"{where}.text.citations: Input should be a valid citation")
                if found(citation["encrypted_index"]) != citation["url"]:
                    raise Refused(f"{where}.text.citations: Could not find search result for citation index")
        if asked:
            raise Refused(f"messages.{number}: `web_search` tool use was found without a corresponding result block")


def _output(body: dict[str, Any]) -> None:
    config = body.get("output_config")
    if config is None:
        return
    for field in set(config) - {"effort", "format", "task_budget"}:
        raise Refused(f"output_config.{field}: Extra inputs are not permitted")
    if config.get("effort") not in (None, "low", "medium", "high", "xhigh", "max"):
        raise Refused("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
    form = config.get("format")
    if form is None:
        return
    if set(form) != {"type", "schema"} or form["type"] != "json_schema":
        raise Refused("output_config.format: Input should have exactly 'type': 'json_schema' and 'schema'")
    _followed(form["schema"], "output_config.format.schema")


def _followed(schema: Any, where: str) -> None:
    """What a model is held to takes less than JSON Schema has."""
    for path in loose_objects(schema):
        raise Refused(
            f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false ({path})"
        )
    wrong = keywords(schema) & UNSUPPORTED
    if wrong:
        raise Refused(f"{where}: properties {', '.join(sorted(wrong))} are not supported")
    why = unfollowed(schema)
    if why is not None:
        raise Refused(f"{where}: {why}")


def _system(system: Any) -> None:
    if system is None or isinstance(system, str):
        return
    if not isinstance(system, list):
        raise Refused("system: Input should be a valid list")
    for number, block in enumerate(system):
        _block(block, "system", f"system.{number}")


def _messages(body: dict[str, Any], signed: Callable[[str, str], bool]) -> None:
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        raise Refused("messages: at least one message is required")
    if messages[0].get("role") != "user":
        raise Refused('messages: first message must use the "user" role')
    waiting: list[str] = []
    seen: set[str] = set()
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        role = message.get("role")
        if role == "system":
            raise Refused(
                'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.'
            )
        if role not in ("user", "assistant"):
            raise Refused(f"{where}.role: Input should be 'user' or 'assistant'")
        for field in set(message) - {"role", "content"}:
            raise Refused(f"{where}.{field}: Extra inputs are not permitted")
        content = message.get("content")
        final = number == len(messages) - 1
        if content is None:
            raise Refused(f"{where}.content: Field required")
        if not content and not (final and role == "assistant"):
            raise Refused(
                f"{where}: all messages must have non-empty content except for the optional final assistant message"
            )
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not isinstance(blocks, list):
            raise Refused(f"{where}.content: Input should be a valid list")
        for place, block in enumerate(blocks):
            _block(block, role, f"{where}.content.{place}")
        if (
            final
            and role == "assistant"
            and blocks
            and blocks[-1].get("type") == "text"
            and blocks[-1]["text"] != blocks[-1]["text"].rstrip()
        ):
            raise Refused("messages: final assistant content cannot end with trailing whitespace")
        if role == "assistant" and blocks and blocks[-1]["type"] in ("thinking", "redacted_thinking"):
            raise Refused(f"{where}: The final block in an assistant message cannot be `thinking`.")
        waiting = _pairs(where, number, role, blocks, waiting, seen)
        for place, block in enumerate(blocks):
            if block.get("type") == "thinking" and not signed(block["thinking"], block["signature"]):
                raise Refused(f"{where}.content.{place}: Invalid `signature` in `thinking` block")
    if waiting:
        raise Refused(_orphans(len(messages) - 1, waiting))
    _loop_keeps_thinking(body)


def _orphans(number: int, ids: list[str]) -> str:
    return f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(ids)}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."


def _pairs(where: str, number: int, role: str, blocks: list[Any], waiting: list[str], seen: set[str]) -> list[str]:
    if role == "assistant":
        if waiting:
            raise Refused(_orphans(number - 1, waiting))
        ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
        for one in ids:
            if one in seen:
                raise Refused(f"{where}.content: `tool_use` ids must be unique")
            seen.add(one)
        return ids
    left = list(waiting)
    leading = True
    for place, block in enumerate(blocks):
        if block["type"] != "tool_result":
            leading = False
            continue
        if block["tool_use_id"] not in waiting:
            raise Refused(
                f"{where}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if not leading:
            raise Refused(_orphans(number - 1, waiting))
        if block["tool_use_id"] not in left:
            raise Refused(
                f"{where}.content.{place}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {block['tool_use_id']}"
            )
        left.remove(block["tool_use_id"])
    if left:
        raise Refused(_orphans(number - 1, left))
    return []


def _loop_keeps_thinking(body: dict[str, Any]) -> None:
    """While a tool loop is open, thinking must stand first in its assistant message."""
    if (body.get("thinking") or {}).get("type") != "enabled":
        return
    messages = body["messages"]
    for number in range(len(messages) - 1, -1, -1):
        message = messages[number]
        if message["role"] == "user":
            if isinstance(message["content"], str) or not any(b["type"] == "tool_result" for b in message["content"]):
                return
            continue
        kind = "text" if isinstance(message["content"], str) else message["content"][0]["type"]
        if kind not in ("thinking", "redacted_thinking"):
            raise Refused(
                f"messages.{number}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks)."
            )


def _block(block: Any, role: str, where: str) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in BLOCKS_OF[role]:
        tags = ", ".join(f"'{name}'" for name in sorted(BLOCKS_OF[role]))
        raise Refused(f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}")
    for field in sorted(set(block) - BLOCKS[kind]):
        raise Refused(f"{where}.{kind}.{field}: Extra inputs are not permitted")
    mark = block.get("cache_control")
    if mark is not None and (
        mark.get("type") != "ephemeral" or mark.get("ttl", "5m") not in ("5m", "1h") or set(mark) - {"type", "ttl"}
    ):
        raise Refused(f"{where}.{kind}.cache_control: Input should be 'ephemeral'")
    if kind == "text":
        if not isinstance(block.get("text"), str):
            raise Refused(f"{where}.text.text: Field required")
        if not block["text"]:
            raise Refused(f"{where.split('.')[0]}: text content blocks must be non-empty")
        if not block["text"].strip():
            raise Refused(f"{where.split('.')[0]}: text content blocks must contain non-whitespace text")
    elif kind == "image":
        _source(block.get("source"), f"{where}.image.source", IMAGES)
    elif kind == "document":
        _source(block.get("source"), f"{where}.document.source", {"application/pdf"})
    elif kind == "tool_use":
        if not isinstance(block.get("id"), str) or not re.match(r"^[a-zA-Z0-9_-]+$", block["id"]):
            raise Refused(f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        if not isinstance(block.get("input"), dict):
            raise Refused(f"{where}.tool_use.input: Input should be a valid dictionary")
        if not re.match(r"^[a-zA-Z0-9_-]{1,200}$", block.get("name") or ""):
            raise Refused(f"{where}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,200}}$'")
    elif kind == "tool_result":
        if not isinstance(block.get("tool_use_id"), str):
            raise Refused(f"{where}.tool_result.tool_use_id: Field required")
        content = block.get("content")
        if isinstance(content, list):
            for place, inner in enumerate(content):
                _block(inner, "result", f"{where}.tool_result.content.{place}")
        elif content is not None and not isinstance(content, str):
            raise Refused(f"{where}.tool_result.content: Input should be a valid list")
        if "is_error" in block and not isinstance(block["is_error"], bool):
            raise Refused(f"{where}.tool_result.is_error: Input should be a valid boolean")
    elif kind == "thinking":
        for field in ("thinking", "signature"):
            if not isinstance(block.get(field), str):
                raise Refused(f"{where}.thinking.{field}: Field required")
    elif kind == "redacted_thinking" and not isinstance(block.get("data"), str):
        raise Refused(f"{where}.redacted_thinking.data: Field required")


def _source(source: Any, where: str, media: set[str]) -> None:
    kind = source.get("type") if isinstance(source, dict) else None
    fields = {
        "base64": {"type", "media_type", "data"},
        "url": {"type", "url"},
        "file": {"type", "file_id"},
        "text": {"type", "media_type", "data"},
        "content": {"type", "content"},
    }
    if kind not in fields or (kind in ("text", "content") and "document" not in where):
        raise Refused(f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
    for field in set(source) ^ fields[kind]:
        raise Refused(
            f"{where}.{kind}.{field}: "
            + ("Field required" if field in fields[kind] else "Extra inputs are not permitted")
        )
    if kind == "base64":
        if source["media_type"] not in media:
            raise Refused(f"{where}.base64.media_type: Input should be one of {sorted(media)}")
        try:
            base64.b64decode(source["data"], validate=True)
        except (binascii.Error, ValueError):
            raise Refused(f"{where}.base64.data: invalid base64 data") from None
    if kind == "url" and not source["url"].startswith("https://"):
        raise Refused(f"{where}.url.url: Only HTTPS URLs are supported.")
