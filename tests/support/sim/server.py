"""The sockets of a simulator: HTTP/1.1 (h11) and HTTP/2 (h2), in clear or behind TLS, and the record of what came.

Framing is checked as strictly as the libraries allow: a body longer than its content-length leaves bytes behind that
no request may start with, and such a connection is refused and noted in `Simulator.faults`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import h11

from .behaviour import Behaviour
from .plan import Abort, Close, End, Head, Plan, Send, pause

PREFACE = b"PRI * HTTP/2.0"


@dataclass
class Recorded:
    """One request as it reached the provider, and what became of it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    protocol: str
    sni: str | None
    at: float = field(default_factory=time.monotonic)
    status: int | None = None
    usage: dict[str, int] = field(default_factory=dict)
    answer: Any = None
    refused: str | None = None
    finished: bool = False
    aborted: bool = False
    sent: bytearray = field(default_factory=bytearray)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The header's value, None when absent; several values are joined as HTTP joins them."""
        values = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(values) if values else None

    def text(self) -> str:
        """Everything that was sent, for searching."""
        lines = [f"{self.method} {self.target}"] + [f"{key}: {value}" for key, value in self.headers]
        return "\n".join(lines) + "\n\n" + self.body.decode("utf-8", "replace")


class _Loop:
    """One event loop in one thread for all simulators of the process."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="simulators", daemon=True).start()

    def call(self, work: Any, timeout: float = 20.0) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)


_shared: _Loop | None = None


def shared_loop() -> _Loop:
    """The loop of the simulators, started at first use."""
    global _shared
    if _shared is None:
        _shared = _Loop()
    return _shared


class Simulator:
    """A listening provider. Subclasses answer requests; this class carries bytes and keeps the record."""

    name = "provider"

    def __init__(self, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.requests: list[Recorded] = []
        self.faults: list[str] = []
        self.connections = 0
        self._scripted: list[Behaviour] = []
        self._always = Behaviour()
        self._lock = threading.Lock()
        self._tls = tls
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        if tls is not None:
            tls.sni_callback = lambda conn, name, _context: setattr(conn, "asked_name", name)
        self._wanted_port = port
        self.port = 0
        self.start()

    # -- the handle that tests hold ---------------------------------------------------------------------------

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def script(self, *behaviours: Behaviour) -> None:
        """The next requests get these, in order."""
        with self._lock:
            self._scripted.extend(behaviours)

    def always(self, behaviour: Behaviour | None = None) -> None:
        """Every request without a scripted behaviour gets this one; None restores the good answer."""
        with self._lock:
            self._always = behaviour or Behaviour()

    def clear(self) -> None:
        """Forgets scripts, records and faults; connections stay."""
        with self._lock:
            self._scripted.clear()
            self._always = Behaviour()
            self.requests = []
            self.faults = []

    @property
    def last(self) -> Recorded:
        """The newest request."""
        assert self.requests, f"no request reached {self.name}"
        return self.requests[-1]

    def wait_for(self, check: Any, timeout: float = 5.0) -> None:
        """Waits until `check(self)` holds."""
        until = time.monotonic() + timeout
        while not check(self):
            assert time.monotonic() < until, f"{self.name}: waited {timeout} s in vain"
            time.sleep(0.01)

    def start(self) -> None:
        """Listens (again, on the same port after `stop`)."""
        if self._server is None:
            self._server = shared_loop().call(self._listen())

    def stop(self) -> None:
        """Stops listening and resets the open connections, as a dead host does."""
        if self._server is not None:
            shared_loop().call(self._close(self._server))
            self._server = None

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- what subclasses answer -------------------------------------------------------------------------------

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        """The steps of the answer to one request."""
        raise NotImplementedError

    # -- sockets ----------------------------------------------------------------------------------------------

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port or self._wanted_port, ssl=self._tls, limit=1 << 20, backlog=512
        )
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        for writer in list(self._writers):
            _reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        secured = writer.get_extra_info("ssl_object")
        link = _Link(reader, writer, self.connections, getattr(secured, "asked_name", None))
        try:
            if secured is not None and secured.selected_alpn_protocol() == "h2":
                await _Http2(self, link).serve(b"")
                return
            first = await reader.read(65536)
            if first.startswith(PREFACE):
                await _Http2(self, link).serve(first)
            elif first:
                await _Http1(self, link).serve(first)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(Exception):
                writer.close()

    def take(self, request: Recorded) -> Plan:
        """Records a request and plans its answer."""
        with self._lock:
            self.requests.append(request)
            behaviour = self._scripted.pop(0) if self._scripted else self._always
        return self.answer(request, behaviour)


@dataclass
class _Link:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    sni: str | None


def _reset(writer: asyncio.StreamWriter) -> None:
    """Makes closing this socket a TCP reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class _Http1:
    def __init__(self, sim: Simulator, link: _Link) -> None:
        self.sim = sim
        self.link = link
        self.conn = h11.Connection(h11.SERVER, max_incomplete_event_size=256 * 1024)
        self.early = b""

    async def serve(self, first: bytes) -> None:
        self.conn.receive_data(first)
        while await self._one():
            try:
                self.conn.start_next_cycle()
            except h11.LocalProtocolError:
                return
            if self.early:
                self.conn.receive_data(self.early)
                self.early = b""

    async def _one(self) -> bool:
        head: h11.Request | None = None
        body = bytearray()
        while True:
            try:
                event = self.conn.next_event()
            except h11.RemoteProtocolError as error:
                await self._refuse(str(error))
                return False
            if event is h11.NEED_DATA:
                data = await self.link.reader.read(262144)
                if not data:
                    # Gone before a whole request was here: a client's right, and nothing to answer.
                    return False
                try:
                    self.conn.receive_data(data)
                except h11.RemoteProtocolError as error:
                    self.sim.faults.append(f"connection {self.link.number}: {error}")
                    return False
            elif isinstance(event, h11.Request):
                head = event
                if (b"expect", b"100-continue") in [(k, v.lower()) for k, v in event.headers]:
                    self.link.writer.write(self.conn.send(h11.InformationalResponse(status_code=100, headers=[])))
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        assert head is not None
        left, _closed = self.conn.trailing_data
        if left:
            await self._refuse(f"{len(left)} bytes after the end of the request: {left[:60]!r}")
            return False
        headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in head.headers]
        request = Recorded(
            head.method.decode(),
            head.target.decode(),
            headers,
            bytes(body),
            self.link.number,
            "HTTP/1.1",
            self.link.sni,
        )
        plan = self.sim.take(request)
        return await self._watched(request, plan)

    async def _refuse(self, why: str) -> None:
        self.sim.faults.append(f"connection {self.link.number}: {why}")
        self.link.writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await self.link.writer.drain()

    async def _watched(self, request: Recorded, plan: Plan) -> bool:
        """Executes the plan and notices a client that goes away meanwhile."""
        work = asyncio.ensure_future(self._execute(request, plan))
        watch = asyncio.ensure_future(self.link.reader.read(262144))
        await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            keep = _result(work, False)
            if keep and not watch.done():
                # `read` keeps nothing when cancelled before data came, so the next cycle reads on.
                watch.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    self.early = await watch
            elif watch.done():
                self.early = _result(watch, b"")
            else:
                watch.cancel()
            return bool(keep)
        early = _result(watch, b"")
        if early:
            # A client may send on before it has our last byte; strange enough to note, not to refuse.
            self.early = early
            return bool(await work)
        request.aborted = not request.finished
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await work
        return False

    async def _execute(self, request: Recorded, plan: Plan) -> bool:
        writer = self.link.writer
        length: int | None = None
        for step in plan:
            if await pause(step):
                continue
            if isinstance(step, Head):
                request.status = step.status
                headers = list(step.headers)
                length = step.length
                if length is not None:
                    headers.append(("content-length", str(length)))
                else:
                    headers.append(("transfer-encoding", "chunked"))
                writer.write(self.conn.send(h11.Response(status_code=step.status, headers=headers)) or b"")
            elif isinstance(step, Send):
                request.sent += step.data
                writer.write(self.conn.send(h11.Data(data=step.data)) or b"")
                await writer.drain()
            elif isinstance(step, Abort):
                await writer.drain()
                request.finished = True
                _reset(writer)
                return False
            elif isinstance(step, Close):
                await writer.drain()
                request.finished = True
                writer.close()
                return False
            elif isinstance(step, End):
                writer.write(self.conn.send(h11.EndOfMessage()) or b"")
                request.finished = True
                await writer.drain()
        return True


def _result(task: Any, otherwise: Any) -> Any:
    try:
        return task.result()
    except (ConnectionError, asyncio.CancelledError, ssl.SSLError, h11.LocalProtocolError):
        return otherwise


class _Http2:
    def __init__(self, sim: Simulator, link: _Link) -> None:
        self.sim = sim
        self.link = link
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.conn = h2.connection.H2Connection(config=config)
        self.heads: dict[int, list[tuple[str, str]]] = {}
        self.bodies: dict[int, bytearray] = {}
        self.tasks: dict[int, tuple[Recorded, asyncio.Task[None]]] = {}
        self.window = asyncio.Event()

    async def serve(self, first: bytes) -> None:
        self.conn.initiate_connection()
        self.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 24})
        self.conn.increment_flow_control_window((1 << 24) - 65535)
        self._flush()
        data = first or await self.link.reader.read(262144)
        while data:
            try:
                events = self.conn.receive_data(data)
            except h2.exceptions.ProtocolError as error:
                self.sim.faults.append(f"connection {self.link.number}: {type(error).__name__}: {error}")
                self._flush()
                break
            for event in events:
                self._event(event)
            self._flush()
            data = await self.link.reader.read(262144)
        for request, task in self.tasks.values():
            request.aborted = not request.finished
            task.cancel()

    def _flush(self) -> None:
        out = self.conn.data_to_send()
        if out:
            self.link.writer.write(out)

    def _event(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self.heads[event.stream_id] = [(str(k), str(v)) for k, v in event.headers]
            self.bodies[event.stream_id] = bytearray()
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self._request(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            if event.stream_id in self.tasks:
                request, task = self.tasks.pop(event.stream_id)
                request.aborted = not request.finished
                task.cancel()
            self.window.set()
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self.window.set()

    def _request(self, stream: int) -> None:
        head = self.heads.pop(stream)
        named = dict(head)
        headers = [(key if key != ":authority" else "host", value) for key, value in head]
        headers = [(key, value) for key, value in headers if not key.startswith(":")]
        request = Recorded(
            named[":method"],
            named[":path"],
            headers,
            bytes(self.bodies.pop(stream)),
            self.link.number,
            "HTTP/2",
            self.link.sni,
        )
        plan = self.sim.take(request)
        task = asyncio.ensure_future(self._execute(stream, request, plan))
        self.tasks[stream] = (request, task)

    async def _execute(self, stream: int, request: Recorded, plan: Plan) -> None:
        try:
            for step in plan:
                if await pause(step):
                    continue
                if isinstance(step, Head):
                    request.status = step.status
                    headers = [(":status", str(step.status)), *step.headers]
                    if step.length is not None:
                        headers.append(("content-length", str(step.length)))
                    self.conn.send_headers(stream, headers)
                elif isinstance(step, Send):
                    request.sent += step.data
                    await self._send(stream, step.data)
                elif isinstance(step, (Abort, Close)):
                    request.finished = True
                    self.conn.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
                elif isinstance(step, End):
                    self.conn.end_stream(stream)
                    request.finished = True
                self._flush()
                await self.link.writer.drain()
        except (h2.exceptions.ProtocolError, ConnectionError):
            request.aborted = not request.finished
        finally:
            self.tasks.pop(stream, None)

    async def _send(self, stream: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            room = min(self.conn.local_flow_control_window(stream), self.conn.max_outbound_frame_size)
            if room <= 0:
                self.window.clear()
                await self.window.wait()
                continue
            self.conn.send_data(stream, bytes(view[:room]))
            view = view[room:]
            self._flush()
            await self.link.writer.drain()
