"""Audit lines to an OpenTelemetry collector."""

from __future__ import annotations

import time

from support.sim.plan import End, Head
from support.sim.server import Simulator


class Collector(Simulator):
    """Takes what Envoy's OpenTelemetry access logger exports, over gRPC."""

    name = "collector"

    def answer(self, request, behaviour):
        assert request.path == "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        # A gRPC answer without a message: status in the headers, no body.
        return [Head(200, [("content-type", "application/grpc"), ("grpc-status", "0")]), End()]


def test_audit_to_a_collector(make_gateway, world):
    with Collector() as collector:
        gateway = make_gateway(audit={"to": {"otlp": f"127.0.0.1:{collector.port}"}})
        ident = gateway.chat("gpt").headers["x-tollgate-request-id"]
        until = time.monotonic() + 15
        while not any(ident.encode() in request.body for request in collector.requests):
            assert time.monotonic() < until, "the collector never got the line"
            time.sleep(0.1)
        exported = next(request for request in collector.requests if ident.encode() in request.body)
        assert b'"provider":"openai"' in exported.body or b"openai" in exported.body
        assert exported.protocol == "HTTP/2"
        assert not gateway.audit()
