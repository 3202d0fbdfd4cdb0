"""What a test can make a simulator do: fail, hang, break off, stream in odd pieces.

Each function gives a `Behaviour`; `Simulator.script(a, b, c)` hands them to the next requests in order and
`Simulator.always(a)` to every request without a scripted one.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

from .plan import Abort, Close, End, Head, Hold, Plan, Send, Step, Wait


@dataclass
class Behaviour:
    """The deviations from a plain good answer; every field at its default is a good answer."""

    status: int | None = None
    """answer with this status and the provider's own error body"""
    headers: dict[str, str] = field(default_factory=dict)
    """extra response headers"""
    body: bytes | None = None
    """these bytes instead of the body that would have been sent"""
    content_type: str | None = None
    before_headers: float = 0.0
    """seconds before the status line"""
    before_first: float = 0.0
    """seconds between the headers and the first body byte"""
    between: float = 0.0
    """seconds between two writes of a stream"""
    steps: Steps | None = None
    """every write of a stream waits for the test's permission"""
    gate: Gate | None = None
    """the answer waits for the test before its headers"""
    pieces: int | None = None
    """each write carries this many bytes, whatever the events are"""
    events_a_write: int = 1
    error_event: int | None = None
    """after this many content events an error event of the provider's shape, then the end"""
    error_kind: str = "overloaded"
    stop_after: int | None = None
    """after this many content events the stream ends as `how` says"""
    how: str = "reset"
    """reset | close | end"""
    at_once: str | None = None
    """reset | close: no answer at all"""
    hang: bool = False
    """reads the request and never answers"""
    text: str | None = None
    """the answer's text, in place of the derived one"""
    overrides: dict[str, object] = field(default_factory=dict)
    """facts of the answer in place of the derived ones (see `brain.Answer`)"""
    comments: bool = False
    """SSE comment lines between the events"""
    crlf: bool = False
    """events end with CRLF CRLF"""


class Gate:
    """One held answer: `reached` is set when the simulator stands before it, `open()` lets it go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def open(self) -> None:
        """Lets every answer held here go, and the later ones as well."""
        self._open.set()
        for loop, event in self._waiters:
            loop.call_soon_threadsafe(event.set)

    async def wait(self) -> None:
        event = asyncio.Event()
        self._waiters.append((asyncio.get_running_loop(), event))
        self.reached.set()
        if not self._open.is_set():
            await event.wait()


class Steps:
    """Permission to write, one at a time: chunk k+1 leaves only after `release()`."""

    def __init__(self, allowed: int = 0) -> None:
        self._lock = threading.Lock()
        self._allowed = allowed
        self._taken = 0
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def taken(self) -> int:
        """Writes that have left so far."""
        return self._taken

    def release(self, count: int = 1) -> None:
        """Allows `count` more writes."""
        with self._lock:
            self._allowed += count
            waiters = list(self._waiters)
        for loop, event in waiters:
            loop.call_soon_threadsafe(event.set)

    async def wait(self) -> None:
        while True:
            event = asyncio.Event()
            with self._lock:
                if self._taken < self._allowed:
                    self._taken += 1
                    return
                self._waiters.append((asyncio.get_running_loop(), event))
            await event.wait()


def fail(status: int, retry_after: str | None = None, *, html: bool = False, **headers: str) -> Behaviour:
    """An error answer of the provider's shape, or a proxy's HTML page."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    if retry_after is not None:
        more["retry-after"] = retry_after
    behaviour = Behaviour(status=status, headers=more)
    if html:
        behaviour.content_type = "text/html; charset=utf-8"
        behaviour.body = (
            f"<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n"
            "<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
        ).encode()
    return behaviour


def hang(seconds: float = 3600.0) -> Behaviour:
    """Silence for `seconds` before the status line."""
    return Behaviour(before_headers=seconds)


def reset() -> Behaviour:
    """The connection is reset instead of an answer."""
    return Behaviour(at_once="reset")


def refuse_connections() -> Behaviour:
    """The connection is closed instead of an answer."""
    return Behaviour(at_once="close")


def empty() -> Behaviour:
    """200 with an empty body."""
    return Behaviour(body=b"")


def malformed() -> Behaviour:
    """200 with a body that is not JSON though it says so."""
    return Behaviour(body=b"upstream connect error, try again\n")


def truncated(keep: int = 60) -> Behaviour:
    """200 whose JSON stops after `keep` bytes, properly framed."""
    return Behaviour(overrides={"keep": keep})


def cut(after: int, how: str = "reset") -> Behaviour:
    """A stream that breaks off after `after` content events: `reset`, `close` or `end` (no finish event)."""
    return Behaviour(stop_after=after, how=how)


def stream_error(after: int = 0, kind: str = "overloaded") -> Behaviour:
    """An error event inside a 200 stream, after `after` content events."""
    return Behaviour(error_event=after, error_kind=kind)


def stream(**fields: object) -> Behaviour:
    """A good answer, delivered as the fields of `Behaviour` say."""
    return Behaviour(**fields)  # type: ignore[arg-type]


def raw(body: bytes, content_type: str = "application/json", status: int | None = None) -> Behaviour:
    """These exact bytes."""
    return Behaviour(body=body, content_type=content_type, status=status)


def plan_at_once(behaviour: Behaviour) -> Plan | None:
    """The plan of a behaviour that never gets to an answer."""
    if behaviour.at_once == "reset":
        return [Abort()]
    if behaviour.at_once == "close":
        return [Close()]
    return None


def opening(behaviour: Behaviour) -> Plan:
    """What comes before the status line."""
    steps: Plan = []
    if behaviour.gate is not None:
        steps.append(Hold(behaviour.gate.wait))
    if behaviour.before_headers:
        steps.append(Wait(behaviour.before_headers))
    return steps


def unary(behaviour: Behaviour, status: int, headers: list[tuple[str, str]], body: bytes) -> Plan:
    """The plan of an answer with a known length."""
    steps = opening(behaviour)
    steps.append(Head(status, headers, len(body)))
    if behaviour.before_first:
        steps.append(Wait(behaviour.before_first))
    if behaviour.stop_after is not None:
        steps.append(Send(body[: len(body) // 2]))
        steps.append(Abort() if behaviour.how == "reset" else Close())
        return steps
    size = behaviour.pieces or max(len(body), 1)
    for start in range(0, len(body), size):
        if start and behaviour.between:
            steps.append(Wait(behaviour.between))
        if behaviour.steps is not None:
            steps.append(Hold(behaviour.steps.wait))
        steps.append(Send(body[start : start + size]))
    steps.append(End())
    return steps


def streamed(
    behaviour: Behaviour, headers: list[tuple[str, str]], events: list[tuple[bytes, bool]], error: bytes
) -> Plan:
    """The plan of an event stream. Each event comes with whether it carries content."""
    steps = opening(behaviour)
    steps.append(Head(200, headers))
    if behaviour.before_first:
        steps.append(Wait(behaviour.before_first))
    chosen: list[bytes] = []
    last: Step = End()
    seen = 0
    for data, content in events:
        if content:
            if behaviour.error_event is not None and seen == behaviour.error_event:
                chosen.append(error)
                break
            if behaviour.stop_after is not None and seen == behaviour.stop_after:
                last = {"reset": Abort(), "close": Close(), "end": End()}[behaviour.how]
                break
            seen += 1
        chosen.append(data)
    if behaviour.comments:
        chosen = [b": keep-alive\n\n" + event for event in chosen]
    if behaviour.crlf:
        chosen = [event.replace(b"\n", b"\r\n") for event in chosen]
    for number, write in enumerate(_writes(behaviour, chosen)):
        if number and behaviour.between:
            steps.append(Wait(behaviour.between))
        if behaviour.steps is not None:
            steps.append(Hold(behaviour.steps.wait))
        steps.append(Send(write))
    if isinstance(last, Abort) and seen:
        # A reset that overtakes the bytes before it would make the test's "after n events" untrue.
        steps.append(Wait(0.05))
    steps.append(last)
    return steps


def _writes(behaviour: Behaviour, events: list[bytes]) -> list[bytes]:
    if behaviour.pieces:
        whole = b"".join(events)
        return [whole[i : i + behaviour.pieces] for i in range(0, len(whole), behaviour.pieces)]
    each = max(behaviour.events_a_write, 1)
    return [b"".join(events[i : i + each]) for i in range(0, len(events), each)]
