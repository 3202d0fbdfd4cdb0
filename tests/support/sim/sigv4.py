"""AWS Signature Version 4, checked from the request as it came over the wire.

Written from AWS's public description of the process ("Signature Version 4 signing process"): a canonical request over
method, path (encoded once more than it came, as for every service but S3), query, signed headers and the body's hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import quote

from .server import Recorded

FORM = re.compile(
    r"^AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;_-]+), ?Signature=(?P<signature>[0-9a-f]{64})$"
)


def problem(request: Recorded, access: str, secret: str, region: str, service: str) -> tuple[str, str] | None:
    """What is wrong with the signature: AWS's name for it and its words; None when it is right."""
    form = FORM.match(request.header("authorization") or "")
    if form is None:
        return "IncompleteSignatureException", "Authorization header requires 'Credential' parameter."
    if form["key"] != access:
        return "UnrecognizedClientException", "The security token included in the request is invalid."
    if (form["region"], form["service"]) != (region, service):
        return (
            "InvalidSignatureException",
            f"Credential should be scoped to a valid region and service: {form['region']}/{form['service']}.",
        )
    moment = request.header("x-amz-date") or ""
    if not moment.startswith(form["date"]):
        return "InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version."
    names = form["headers"].split(";")
    for needed in ("host", "x-amz-date"):
        if needed not in names:
            return "InvalidSignatureException", f"'{needed}' must be a 'SignedHeader' in the AWS Authorization."
    digest = hashlib.sha256(request.body).hexdigest()
    claimed = request.header("x-amz-content-sha256")
    if claimed is not None and claimed != digest:
        return "InvalidSignatureException", "The provided 'x-amz-content-sha256' header does not match what was computed."
    canonical = "\n".join(
        [
            request.method,
            "/".join(quote(segment, safe="-_.~") for segment in request.path.split("/")),
            "&".join(sorted(request.query.split("&"))) if request.query else "",
            *(f"{name}:{' '.join((value_of(request, name) or '').split())}" for name in names),
            "",
            form["headers"],
            digest,
        ]
    )
    scope = f"{form['date']}/{form['region']}/{form['service']}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (form["date"], form["region"], form["service"], "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, form["signature"]):
        return (
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )
    return None


def value_of(request: Recorded, name: str) -> str | None:
    """A header as it is signed; `host` is HTTP/2's `:authority`."""
    return request.header(name) or (request.header(":authority") if name == "host" else None)
