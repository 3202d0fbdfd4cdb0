"""What a simulated model says: a pure function of the request, so a test can say beforehand what must come back.

The last user text steers it:

- `long N` in it: the words `w1 w2 … wN`;
- a tool's name in it, or a tool choice that forces one: calls of the tools named (all of them with `every tool`),
  with arguments made from their schemas;
- the last message carries tool results: `tools said: …` with every result;
- a response schema: a JSON value that conforms to it;
- `refuse` as its first word: a refusal;
- `search` in it, where the provider's own search is on offer: `FOUND`, which relies on `PAGES`;
- anything else: `echo: ` and the text.

Tokens are words here: a word with the space before it is one token.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from .schema import example

REFUSAL = "I'm sorry, but I can't help with that."
FOUND = "Grüße: the sky is blue \U0001f600, the sea is too. That is all."
"""what is said after a search"""
PAGES = [
    ("the sky is blue \U0001f600", [("https://sky.example/a", "The sky"), ("https://blue.example/b", "Blue")]),
    ("the sea is too", [("https://blue.example/b", "Blue")]),
]
"""the words of it that rely on something, and on which pages: address and title"""


@dataclass
class Ask:
    """A request, without its dialect."""

    text: str
    """the last user text"""
    words: int
    """words of the whole prompt, images and documents counted as 50"""
    results: list[str] = field(default_factory=list)
    """the texts of the tool results that the last message carries"""
    tools: dict[str, Any] = field(default_factory=dict)
    """schema by name"""
    forced: str | None = None
    """`*` for any tool, or a tool's name"""
    may_call: bool = True
    parallel: bool = True
    schema: Any = None
    json_object: bool = False
    thinking: bool = False
    limit: int | None = None
    stops: list[str] = field(default_factory=list)
    marked: int = 0
    """words before a cache mark"""
    searches: bool = False
    """the provider's own search is on offer"""


@dataclass
class Answer:
    """An answer, without its dialect."""

    text: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """name and arguments as JSON text"""
    cited: list[tuple[int, int, list[tuple[str, str]]]] = field(default_factory=list)
    """first character, the one after the last, and the pages that these rely on"""
    thought: str | None = None
    refusal: bool = False
    finish: str = "stop"
    """stop | length | tools | refusal | stop_sequence"""
    stop: str | None = None
    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    reasoning: int = 0


def tokens(text: str) -> list[str]:
    """Words, each with the white space before it; joined again they are the text."""
    return re.findall(r"\s*\S+|\s+$", text)


def think(ask: Ask, text: str | None = None, overrides: dict[str, object] | None = None) -> Answer:
    """The answer to `ask`."""
    answer = Answer(input=ask.words + 3)
    if ask.thinking:
        answer.thought = f"The user said {len(ask.text.split())} words. I should answer them."
        answer.reasoning = len(tokens(answer.thought))
    if ask.marked >= 40:
        # A prompt marked for caching is written once and read afterwards; the word `again` says which it is.
        if "again" in ask.text:
            answer.cached = ask.marked
        else:
            answer.written = ask.marked
    calls = _calls(ask)
    if text is not None:
        answer.text = text
    elif ask.text.split(" ")[0] == "refuse":
        answer.text, answer.refusal, answer.finish = REFUSAL, True, "refusal"
    elif calls:
        answer.calls, answer.finish = calls, "tools"
        if ask.thinking:
            answer.text = "Let me look."
    elif ask.results:
        answer.text = "tools said: " + "; ".join(ask.results)
    elif ask.searches and re.search(r"\bsearch\b", ask.text):
        answer.text = FOUND
        answer.cited = [(FOUND.index(words), FOUND.index(words) + len(words), pages) for words, pages in PAGES]
    elif ask.schema is not None:
        answer.text = json.dumps(example(ask.schema), separators=(",", ":"))
    elif ask.json_object:
        answer.text = json.dumps({"echo": ask.text}, ensure_ascii=False)
    elif found := re.search(r"\blong (\d+)", ask.text):
        answer.text = " ".join(f"w{n}" for n in range(1, int(found[1]) + 1))
    else:
        answer.text = f"echo: {ask.text}"
    _stops(ask, answer)
    made = tokens(answer.text)
    if ask.limit is not None and len(made) + answer.reasoning > ask.limit and not calls:
        made = made[: max(ask.limit - answer.reasoning, 0)]
        answer.text, answer.finish, answer.stop = "".join(made), "length", None
    answer.output = len(made) + answer.reasoning + sum(5 + len(args) // 4 for _, args in answer.calls)
    for name, value in (overrides or {}).items():
        if hasattr(answer, name):
            setattr(answer, name, value)
    return answer


def _stops(ask: Ask, answer: Answer) -> None:
    places = [(answer.text.find(stop), stop) for stop in ask.stops if stop and stop in answer.text]
    if places and not answer.calls:
        at, stop = min(places)
        answer.text, answer.stop = answer.text[:at], stop
        answer.finish = "stop_sequence"


def _calls(ask: Ask) -> list[tuple[str, str]]:
    if not ask.tools or not ask.may_call:
        return []
    if ask.forced and ask.forced != "*":
        names = [ask.forced]
    elif ask.results and not ask.forced:
        names = []
    else:
        names = [name for name in ask.tools if re.search(rf"\b{re.escape(name)}\b", ask.text)]
        if "every tool" in ask.text:
            names = list(ask.tools)
        if not names and ask.forced:
            names = [next(iter(ask.tools))]
    if not ask.parallel:
        names = names[:1]
    return [(name, json.dumps(example(ask.tools.get(name) or {"type": "object"}) or {})) for name in names]
