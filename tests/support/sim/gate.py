"""What every provider looks at before the body: headers that belong to somebody else, and compression."""

from __future__ import annotations

import gzip

from .server import Recorded

CREDENTIALS = {"authorization", "x-api-key", "api-key", "x-goog-api-key"}
CONTROL = ("x-tollgate-", "x-envoy-", "x-gw-")


def foreign_header(request: Recorded, own: set[str]) -> str | None:
    """The first header that no provider should see: another's credential, the gateway's or Envoy's own control."""
    for name, _value in request.headers:
        if name in CREDENTIALS - own:
            return name
        if name.startswith(CONTROL):
            return name
    return None


def gzipped(request: Recorded, headers: list[tuple[str, str]], body: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Real providers stand behind a CDN that compresses for whoever accepts it; so do these."""
    accepted = [part.split(";")[0].strip() for part in (request.header("accept-encoding") or "").split(",")]
    if "gzip" not in accepted or not body:
        return headers, body
    return [*headers, ("content-encoding", "gzip"), ("vary", "accept-encoding")], gzip.compress(body, 1)
