"""Which efforts each of OpenAI's reasoning models takes. Others than these get a 400 that lists what there is."""

from __future__ import annotations

import re

KNOWN = ("none", "minimal", "low", "medium", "high", "xhigh")

TAKEN = (
    (r"o\d", ("low", "medium", "high")),
    (r"gpt-5(\.\d+)?-chat", ("medium",)),
    (r"gpt-5-pro", ("high",)),
    (r"gpt-5\.\d+-pro", ("medium", "high", "xhigh")),
    (r"gpt-5(\.1)?-codex(?!-max)", ("low", "medium", "high")),
    (r"gpt-5\.\d+-codex", ("low", "medium", "high", "xhigh")),
    (r"gpt-5\.1", ("none", "low", "medium", "high")),
    (r"gpt-5\.\d", ("none", "low", "medium", "high", "xhigh")),
    (r"gpt-5", ("minimal", "low", "medium", "high")),
)
"""the first that a model's name begins with counts"""


def efforts(model: str) -> tuple[str, ...]:
    """What a model takes; all there are where it is not known."""
    return next((taken for begins, taken in TAKEN if re.match(begins, model)), KNOWN)


def refusal(model: str, effort: str | None) -> str | None:
    """What the API says about an effort that is a word, but none of the model's."""
    taken = efforts(model)
    if effort is None or effort in taken:
        return None
    quoted = [f"'{one}'" for one in taken]
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
    return f"Unsupported value: '{effort}' is not supported with the '{model}' model. Supported values are: {listed}."
