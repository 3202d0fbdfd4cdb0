"""Simulated providers of embeddings and rerank: each refuses what its real endpoint refuses, in its own words.

Field lists are those of the public API references; a field that is in none of them is refused, also where the real
endpoint would overlook it, for the gateway has no business sending it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from . import behaviour as how
from .behaviour import Behaviour
from .gate import foreign_header, gzipped
from .plan import Plan
from .server import Recorded, Simulator


class Refused(Exception):
    """An error answer."""

    def __init__(self, message: str, status: int = 400, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param


class VectorSim(Simulator):
    """What the providers have in common: a key in a header, a JSON body, an error envelope of their own."""

    key_header = "authorization"
    key_prefix = "Bearer "

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__()

    def answer(self, request: Recorded, behaviour: Behaviour) -> Plan:
        at_once = how.plan_at_once(behaviour)
        if at_once is not None:
            return at_once
        try:
            if request.method != "POST":
                raise Refused("method not allowed", 405)
            foreign = foreign_header(request, own={self.key_header})
            if foreign:
                self.faults.append(f"a header of somebody else: {foreign}")
                raise Refused(f"unexpected header {foreign}")
            if request.header(self.key_header) != f"{self.key_prefix}{self.key}":
                raise Refused("invalid api token", 401)
            if request.header("content-type") != "application/json":
                raise Refused("the content type must be application/json", 415)
            body = json.loads(request.body)
            payload = self.embed(request, body)
        except (Refused, ValueError) as error:
            refused = error if isinstance(error, Refused) else Refused("invalid JSON")
            request.refused = refused.message
            return how.unary(behaviour, refused.status, self.headers(behaviour), self.error(refused))
        if behaviour.status is not None and behaviour.body is None:
            failed = Refused(f"simulated failure {behaviour.status}", behaviour.status)
            return how.unary(behaviour, failed.status, self.headers(behaviour), self.error(failed))
        if behaviour.body is not None:
            return how.unary(behaviour, behaviour.status or 200, self.headers(behaviour), behaviour.body)
        data = json.dumps(payload).encode()
        keep = behaviour.overrides.get("keep")
        data = data[: int(keep)] if isinstance(keep, int) else data
        headers = self.headers(behaviour) + self.counted(request)
        return how.unary(behaviour, 200, *gzipped(request, headers, data))

    def headers(self, behaviour: Behaviour) -> list[tuple[str, str]]:
        return list(({"content-type": behaviour.content_type or "application/json"} | behaviour.headers).items())

    def counted(self, request: Recorded) -> list[tuple[str, str]]:
        """Headers with counts."""
        return []

    def embed(self, request: Recorded, body: Any) -> Any:
        """The answer to a good request."""
        raise NotImplementedError

    def error(self, refused: Refused) -> bytes:
        """The error's body."""
        raise NotImplementedError


def model_in(path: str, before: str, after: str) -> str | None:
    """The model in a path, decoded."""
    if path.startswith(before) and path.endswith(after):
        return unquote(path[len(before) : -len(after)])
    return None


def only(body: Any, known: set[str], where: str = "body") -> None:
    """Refuses fields that are not known."""
    if not isinstance(body, dict):
        raise Refused(f"{where}: an object was expected")
    for name in body:
        if name not in known:
            raise Refused(f"{where}: unknown field {name!r}", param=name)


def strings(value: Any, name: str, most: int) -> list[str]:
    """A list of strings that are not empty."""
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise Refused(f"{name} must be a list of strings that are not empty", param=name)
    if len(value) > most:
        raise Refused(f"{name} must hold at most {most} items", param=name)
    return value


def positive(body: dict[str, Any], name: str) -> int | None:
    """A whole number above zero, where it is given."""
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise Refused(f"{name} must be a positive integer", param=name)
    return value
