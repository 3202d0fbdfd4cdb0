"""What a Claude model takes, by its name: later ones refuse what earlier ones took."""

from __future__ import annotations

import re
from typing import Any

FABLE = ("fable", "mythos")


class Claude:
    """A model by its line (opus, sonnet, haiku, fable) and its version."""

    def __init__(self, name: str) -> None:
        self.name = name
        after = name[name.find("claude") :]
        numbers = [int(word) for word in re.findall(r"(?<![0-9a-z])\d{1,2}(?![0-9a-z])", after)]
        self.line = next((line for line in ("opus", "sonnet", "haiku", *FABLE) if line in after), "")
        # Mythos' preview has no number and takes what came with 4.7.
        self.version = (*numbers[:2], 0)[:2] if numbers else (4, 7) if self.line in FABLE else (0, 0)

    def refusal(self, body: dict[str, Any]) -> str | None:
        """What this model refuses though another one takes it; `None`: nothing."""
        if "claude" not in self.name:
            return None
        rules = (self._sampling, self._thinking, self._tools, self._output, self._end)
        return next((refusal for rule in rules if (refusal := rule(body)) is not None), None)

    def _sampling(self, body: dict[str, Any]) -> str | None:
        if self.version >= (4, 7):
            for name in ("temperature", "top_p", "top_k"):
                if name in body and (name == "top_k" or body[name] != 1):
                    return f"`{name}` is deprecated for this model."
        if self.version >= (4, 0) and "temperature" in body and "top_p" in body:
            return "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        return None

    def _thinking(self, body: dict[str, Any]) -> str | None:
        kind = (body.get("thinking") or {}).get("type")
        if kind is None:
            return None
        if kind != "disabled" and self.version < (3, 7):
            return f"'{self.name}' does not support thinking."
        silent = self.line not in FABLE and not (self.line in ("opus", "sonnet") and self.version >= (5, 5))
        refused = {
            "enabled": self.version >= (4, 7),
            "adaptive": self.version < (4, 6),
            "disabled": not silent,
            "between_tools": not (self.line == "sonnet" and self.version >= (5, 5)),
        }
        if kind == "enabled" and refused[kind]:
            return (
                '"thinking.type.enabled" is not supported for this model. '
                'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
            )
        return f'"thinking.type.{kind}" is not supported for this model.' if refused.get(kind) else None

    def _tools(self, body: dict[str, Any]) -> str | None:
        since = {"opus": (5, 5), "sonnet": (5, 5), "fable": (5, 1), "mythos": (5, 1)}.get(self.line)
        if since and self.version >= since and (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
            return "tool_choice: this model does not support forced tool use."
        return None

    def _output(self, body: dict[str, Any]) -> str | None:
        config = body.get("output_config") or {}
        opus = self.line == "opus"
        effort = config.get("effort")
        least = {"max": (4, 6), "xhigh": (4, 7)}.get(effort, (4, 5) if opus else (4, 6))
        if effort is not None and self.version < least:
            return "This model does not support the effort parameter."
        if config.get("format") is not None and self.version < ((4, 1) if opus else (4, 5)):
            return f"output_config.format: '{self.name}' does not support structured outputs."
        return None

    def _end(self, body: dict[str, Any]) -> str | None:
        messages = body.get("messages")
        last = messages[-1] if isinstance(messages, list) and messages else None
        if self.version >= (4, 6) and isinstance(last, dict) and last.get("role") == "assistant":
            return (
                "This model does not support assistant message prefill. "
                "The conversation must end with a user message."
            )
        return None
