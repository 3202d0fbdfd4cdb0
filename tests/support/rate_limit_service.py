"""A rate limit service of the tests' own: Envoy's gRPC interface over counters that a test can read and limit."""

from __future__ import annotations

import os
import threading
from collections import Counter
from concurrent import futures

# A fork, such as every Envoy begins with, must not stop this process's server.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import grpc  # noqa: E402
from envoy.service.ratelimit.v3 import rls_pb2, rls_pb2_grpc  # noqa: E402

Descriptor = tuple[tuple[str, str], ...]


def descriptor(counts: str, **entries: str) -> Descriptor:
    """What the gateway sends for `counts` of these entries."""
    return (("counts", counts), *entries.items())


class RateLimitService(rls_pb2_grpc.RateLimitServiceServicer):
    """Counts as Envoy's reference service does: a question about no hits is over the limit once that was reached."""

    def __init__(self) -> None:
        self.counts: Counter[Descriptor] = Counter()
        self.ever: Counter[Descriptor] = Counter()
        """the same, and never cleared"""
        self.limits: dict[Descriptor, int] = {}
        self.headers: dict[str, str] = {}
        """what it wants added to the answers to clients it refuses"""
        self.domains: set[str] = set()
        self._changed = threading.Condition()
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        rls_pb2_grpc.add_RateLimitServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def ShouldRateLimit(self, request, context):  # noqa: N802, ARG002 - the interface's name
        """One question, or one report of what was used."""
        answer = rls_pb2.RateLimitResponse(overall_code=rls_pb2.RateLimitResponse.OK)
        with self._changed:
            self.domains.add(request.domain)
            for asked in request.descriptors:
                hits = asked.hits_addend.value if asked.HasField("hits_addend") else max(request.hits_addend, 1)
                self._judge(tuple((e.key, e.value) for e in asked.entries), hits, answer)
            self._changed.notify_all()
        if answer.overall_code == rls_pb2.RateLimitResponse.OVER_LIMIT:
            for name, value in self.headers.items():
                answer.response_headers_to_add.add(key=name, value=value)
        return answer

    def _judge(self, name: Descriptor, hits: int, answer: rls_pb2.RateLimitResponse) -> None:
        status = answer.statuses.add(code=rls_pb2.RateLimitResponse.OK)
        before = self.counts[name]
        if hits:
            self.counts[name] += hits
            self.ever[name] += hits
        limit = self.limits.get(name)
        if limit is None:
            return
        status.current_limit.requests_per_unit = limit
        status.current_limit.unit = rls_pb2.RateLimitResponse.RateLimit.MINUTE
        status.limit_remaining = max(0, limit - self.counts[name])
        status.duration_until_reset.seconds = 33
        if before + hits > limit or before >= limit:
            status.code = answer.overall_code = rls_pb2.RateLimitResponse.OVER_LIMIT

    def wait_for(self, name: Descriptor, count: int, timeout: float = 10.0) -> None:
        """Until `name` has come to `count`; what is reported at the end of a stream comes after the answer."""
        with self._changed:
            reached = self._changed.wait_for(lambda: self.counts[name] >= count, timeout)
            assert reached, f"{name} is at {self.counts[name]}, not at {count}: {dict(self.counts)}"
            assert self.counts[name] == count

    def wait_for_all(self, counts: str, per: str, count: int, timeout: float = 10.0) -> None:
        """Until all values of `per` together have come to `count`, from the beginning on."""

        def reached() -> bool:
            return self.all(counts, per) >= count

        with self._changed:
            self._changed.wait_for(reached, timeout)
            assert self.all(counts, per) == count, dict(self.ever)

    def all(self, counts: str, per: str) -> int:
        """What was ever counted, over all values of `per`."""
        mine = (n for name, n in self.ever.items() if name[0][1] == counts and [k for k, _ in name[1:]] == [per])
        return sum(mine)

    def clear(self) -> None:
        """Before every test: nothing counted, nothing limited."""
        with self._changed:
            self.counts.clear()
            self.limits.clear()
            self.headers.clear()

    def stop(self) -> None:
        """Ends it."""
        self._server.stop(None).wait()
