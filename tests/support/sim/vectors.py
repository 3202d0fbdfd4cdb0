"""What a simulated model embeds: a pure function of the text, so a test can say beforehand what must come back.

The values are 32-bit floats, and are written as each provider writes them.
"""

from __future__ import annotations

import base64
import hashlib
import struct

SIZE = 12
"""values of a vector where the request names no length"""


def vector(text: str, size: int | None = None, salt: str = "") -> list[float]:
    """The embedding of a text: as many values as asked for, each exactly a 32-bit float."""
    found: list[float] = []
    block = 0
    while len(found) < (size or SIZE):
        digest = hashlib.sha256(f"{salt}{block}{text}".encode()).digest()
        found += [round(value / 2**31 - 1, 7) for (value,) in struct.iter_unpack("<I", digest)]
        block += 1
    return [single(value) for value in found[: size or SIZE]]


def single(value: float) -> float:
    """The nearest 32-bit float."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def encoded(values: list[float]) -> str:
    """The values as little-endian 32-bit floats in base64."""
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def decoded(text: str) -> list[float]:
    """The way back."""
    data = base64.b64decode(text, validate=True)
    return [value for (value,) in struct.iter_unpack("<f", data)]


def int8(values: list[float]) -> list[int]:
    """A quantised form of the values."""
    return [max(-128, min(127, int(value * 127))) for value in values]


def tokens(text: str) -> int:
    """Words are tokens."""
    return len(text.split()) or 1


def relevance(query: str, document: str) -> float:
    """How many of the query's words a document holds."""
    words = set(query.lower().split())
    held = words & set(document.lower().replace(".", " ").replace(",", " ").split())
    return single((len(held) + 0.125) / (len(words) + 0.25))


def ranked(query: str, documents: list[str], most: int | None) -> list[tuple[int, float]]:
    """Index and score, the most relevant first."""
    scored = [(index, relevance(query, text)) for index, text in enumerate(documents)]
    scored.sort(key=lambda pair: (-pair[1], pair[0]))
    return scored[: most or len(scored)]
