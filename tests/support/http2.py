"""A client of HTTP/2 in clear, with prior knowledge, that can cancel one request and keep its connection."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events


class Http2:
    """One connection."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._socket = socket.create_connection((where.hostname or "", where.port or 80), timeout=10)
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self._connection.initiate_connection()
        self._flush()

    def post(self, path: str, body: Any, *, key: str | None = None, whole: bool = True) -> int:
        """Sends a request, or, where it is not `whole`, all of it but its end; the number of its stream."""
        stream = self._connection.get_next_available_stream_id()
        headers = [(":method", "POST"), (":path", path), (":scheme", "http"), (":authority", "gateway")]
        headers += [("content-type", "application/json")] + ([("authorization", f"Bearer {key}")] if key else [])
        self._connection.send_headers(stream, headers)
        self._connection.send_data(stream, json.dumps(body).encode(), end_stream=whole)
        self._flush()
        return stream

    def wait_for_body(self, stream: int) -> bytes:
        """The first bytes of the answer's body."""
        while data := self._socket.recv(65536):
            for event in self._connection.receive_data(data):
                if isinstance(event, h2.events.DataReceived) and event.stream_id == stream:
                    return event.data
        raise ConnectionError("the gateway has closed the connection")

    def cancel(self, stream: int) -> None:
        """Takes no interest in the answer any more."""
        self._connection.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        self._flush()

    def _flush(self) -> None:
        self._socket.sendall(self._connection.data_to_send())

    def __enter__(self) -> Http2:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
