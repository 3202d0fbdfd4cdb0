"""`multipart/form-data`, read as strictly as RFC 7578 has it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .server import Recorded


@dataclass
class Field:
    """One part of a form."""

    name: str
    filename: str | None
    content_type: str | None
    value: bytes


class BadForm(Exception):
    """What is wrong with a form."""


def fields(request: Recorded) -> list[Field]:
    """The parts of a form, in its order."""
    kind = re.fullmatch(r'multipart/form-data; ?boundary="?([^";]{1,70})"?', request.header("content-type") or "")
    if not kind:
        raise BadForm("The content-type is not multipart/form-data with a boundary.")
    mark = b"--" + kind[1].encode()
    body = b"\r\n" + request.body
    if not body.startswith(b"\r\n" + mark) or not body.rstrip(b"\r\n").endswith(mark + b"--"):
        raise BadForm("The form does not begin and end with its boundary.")
    found = []
    for part in body.split(b"\r\n" + mark)[1:-1]:
        if not part.startswith(b"\r\n"):
            raise BadForm("Bytes after a boundary.")
        head, _, value = part[2:].partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        headers = {name.lower(): value for name, value in headers.items()}
        disposition = headers.get("content-disposition", "")
        name = re.search(r'; name="([^"]*)"', disposition)
        if not disposition.startswith("form-data") or not name:
            raise BadForm(f"A part without a name: {disposition!r}")
        file = re.search(r'filename="([^"]*)"', disposition)
        found.append(Field(name[1], file[1] if file else None, headers.get("content-type"), value))
    return found
