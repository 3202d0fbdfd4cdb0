"""The steps of one answer, apart from the protocol that carries them.

A provider turns a request into a list of steps; the HTTP/1.1 and HTTP/2 connections of `server` execute them. That
keeps "reset after the third event" the same fact over both protocols.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass
class Head:
    """Status and headers; `length` becomes content-length, None means a body without a known end."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    length: int | None = None


@dataclass
class Send:
    """Body bytes, written to the socket in one go."""

    data: bytes


@dataclass
class Wait:
    """Seconds of silence."""

    seconds: float


@dataclass
class Hold:
    """Waits for the test: `until` returns when the test has let this step pass."""

    until: Callable[[], Awaitable[None]]


@dataclass
class Abort:
    """TCP reset (HTTP/1.1) or RST_STREAM (HTTP/2)."""


@dataclass
class Close:
    """Closes the connection where the body stands: over HTTP/1.1 without the last chunk or the promised bytes."""


@dataclass
class End:
    """The proper end of the body."""


Step = Head | Send | Wait | Hold | Abort | Close | End
Plan = list[Step]


async def pause(step: Step) -> bool:
    """Executes the steps that only take time; True when it was one."""
    if isinstance(step, Wait):
        await asyncio.sleep(step.seconds)
        return True
    if isinstance(step, Hold):
        await step.until()
        return True
    return False
