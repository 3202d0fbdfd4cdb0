"""What the makers of models refuse whose APIs are in OpenAI's dialect, beside what the dialect itself does not allow.

The fields are those of their public API references and clients; the messages follow errors that users of them have
reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .openai_rules import Refused

MISTRAL_TOP = {
    "model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata",
    "response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction",
    "parallel_tool_calls", "reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key", "safe_prompt",
}  # fmt: skip
MISTRAL_MESSAGE = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "prefix"},
    "tool": {"role", "content", "tool_call_id", "name"},
}
# Who may come after whom; nobody (`None`) stands before the first.
MISTRAL_ORDER = {
    None: {"system", "user", "assistant"},
    "system": {"system", "user", "assistant"},
    "user": {"system", "user", "assistant"},
    "assistant": {"system", "user", "assistant", "tool"},
    "tool": {"assistant", "tool"},
}


class Forbidden(Refused):
    """Mistral's 422 for a field that it does not know."""

    def __init__(self, *where: str | int) -> None:
        super().__init__(f"Extra inputs are not permitted: {'.'.join(map(str, where))}", status=422)
        self.detail = [{"type": "extra_forbidden", "loc": ["body", *where], "msg": "Extra inputs are not permitted"}]


def mistral(body: dict[str, Any]) -> None:
    """Strict about every field, about who speaks after whom, and about the form of ids."""
    for name in body:
        if name not in MISTRAL_TOP:
            raise Forbidden(name)
    before = None
    calls: list[str] = []
    for number, message in enumerate(body["messages"]):
        role = message["role"]
        if role not in MISTRAL_MESSAGE:
            raise Refused(f"Input tag '{role}' found using 'role' does not match any of the expected tags", status=422)
        for name in message:
            if name not in MISTRAL_MESSAGE[role]:
                raise Forbidden("messages", number, role, name)
        if role not in MISTRAL_ORDER[before]:
            raise _order(f"Unexpected role '{role}' after role '{before}'")
        if role != "tool" and calls:
            raise _order("Not the same number of function calls and responses")
        if role == "assistant":
            _assistant(message)
            calls = [call["id"] for call in message.get("tool_calls") or []]
        for ident in [message["tool_call_id"]] if role == "tool" else calls:
            if not re.fullmatch(r"[a-zA-Z0-9]{9}", ident):
                raise Refused(
                    f"Tool call id was {ident} but must be a-z, A-Z, 0-9, with a length of 9.",
                    code="3280",
                    kind="invalid_function_call",
                )
        if role == "tool" and message["tool_call_id"] in calls:
            calls.remove(message["tool_call_id"])
        before = role
    if before not in ("user", "tool") and not body["messages"][-1].get("prefix"):
        raise _order(
            f"Expected last role User or Tool (or Assistant with prefix True) for serving but got {before}"
        )


def _order(message: str) -> Refused:
    return Refused(message, code="3230", kind="invalid_request_message_order")


def _assistant(message: dict[str, Any]) -> None:
    if not message.get("content") and not message.get("tool_calls"):
        raise Refused(
            "Assistant message must have either content or tool_calls, but not none.",
            code="3240",
            kind="invalid_request_assistant_message",
        )


def deepseek(body: dict[str, Any]) -> None:
    """JSON mode without schemas; since V4 the reasoning of turns with tools has to come back."""
    if (body.get("response_format") or {}).get("type") == "json_schema":
        raise Refused("This response_format type is unavailable now")
    if body["model"] == "deepseek-reasoner":
        for message in _before_the_last_user(body["messages"]):
            if message.get("reasoning_content"):
                raise Refused("The `reasoning_content` of earlier turns must not be part of the input")
        return
    if not thinks("deepseek", body):
        return
    if _forces(body):
        raise Refused("Thinking mode does not support this tool_choice")
    before = None
    for message in body["messages"]:
        in_turn_with_tools = message["role"] == "assistant" and (before == "tool" or message.get("tool_calls"))
        if in_turn_with_tools and message.get("reasoning_content") is None:
            raise Refused("The `reasoning_content` in the thinking mode must be passed back to the API.")
        before = message["role"]


def moonshot(body: dict[str, Any]) -> None:
    """Kimi that thinks wants the reasoning of its calls back."""
    if not thinks("moonshot", body):
        return
    if _forces(body):
        raise Refused("tool_choice 'required' is incompatible with thinking enabled")
    for number, message in enumerate(body["messages"]):
        if message.get("tool_calls") and message.get("reasoning_content") is None:
            raise Refused(
                f"thinking is enabled but reasoning_content is missing in assistant tool call message at index {number}"
            )


def thinks(maker: str | None, body: dict[str, Any]) -> bool:
    """Whether the maker's model thinks: the newer ones do unless told otherwise."""
    model = body["model"]
    if model in ("deepseek-reasoner", "kimi-k2-thinking"):
        return True
    switchable = {"deepseek": r"deepseek-v([4-9])", "moonshot": r"kimi-k(2\.[5-9]|[3-9])"}.get(maker or "")
    told = (body.get("thinking") or {}).get("type")
    return bool(switchable and re.match(switchable, model)) and told != "disabled"


def _forces(body: dict[str, Any]) -> bool:
    return body.get("tool_choice") not in (None, "auto", "none")


def _before_the_last_user(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    last = max((at for at, message in enumerate(messages) if message["role"] == "user"), default=0)
    return messages[:last]


MAKERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "mistral": mistral,
    "deepseek": deepseek,
    "moonshot": moonshot,
}
