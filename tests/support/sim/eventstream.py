"""AWS event streams: frames of headers and a payload with two checksums, written and read."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any


def frame(payload: bytes, **headers: str) -> bytes:
    """One frame; `event_type="x"` becomes the header `:event-type`."""
    packed = b""
    for name, value in headers.items():
        wire = f":{name.replace('_', '-')}".encode()
        packed += bytes([len(wire)]) + wire + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + packed + payload
    return message + struct.pack(">I", zlib.crc32(message))


def event(name: str, **fields: Any) -> bytes:
    """An event of a stream, padded as Bedrock pads it."""
    data = {**fields, "p": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"[: 5 + len(json.dumps(fields)) % 30]}
    payload = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    return frame(payload, event_type=name, content_type="application/json", message_type="event")


def exception(name: str, message: str) -> bytes:
    """The frame that ends a stream with an error."""
    payload = json.dumps({"message": message}).encode()
    return frame(payload, exception_type=name, content_type="application/json", message_type="exception")


def read(stream: bytes) -> list[tuple[dict[str, str], Any]]:
    """All frames of a stream: headers, and the payload as JSON. A wrong checksum or a cut frame is an error."""
    found = []
    while stream:
        total, length = struct.unpack(">II", stream[:8])
        assert len(stream) >= total, "the stream ends within a frame"
        assert zlib.crc32(stream[:8]) == struct.unpack(">I", stream[8:12])[0], "wrong checksum of a prelude"
        assert zlib.crc32(stream[: total - 4]) == struct.unpack(">I", stream[total - 4 : total])[0], "wrong checksum"
        packed, payload = stream[12 : 12 + length], stream[12 + length : total - 4]
        headers = {}
        while packed:
            name, packed = packed[1 : 1 + packed[0]].decode(), packed[1 + packed[0] :]
            assert packed[0] == 7, "a header that is no string"
            size = struct.unpack(">H", packed[1:3])[0]
            headers[name], packed = packed[3 : 3 + size].decode(), packed[3 + size :]
        found.append((headers, json.loads(payload)))
        stream = stream[total:]
    return found
