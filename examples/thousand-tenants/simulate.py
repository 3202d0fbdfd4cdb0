"""A thousand tenants in bursts against the limits of gateway.yaml: what was admitted, queued and refused, and what a
single perfect queue for each tenant would have done with the very same arrivals.

`make simulate`, in the repository's root, runs it: it makes up the tenants' keys, starts a simulated provider and the
gateway in Envoy, sends the bursts and prints the table.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

HERE = Path(__file__).resolve().parent

RATE = 2.0
"""requests a second that gateway.yaml lets each tenant make"""
BURST = 5
"""how many of them at once"""
PATIENCE = 3.0
"""seconds that a request may wait in the queue"""
NOTICEABLE = 0.05
"""seconds from which a wait counts as one: answers come in a few milliseconds, ticks of the queue in twenty"""


@dataclass
class Sent:
    """One request: when it was sent, how it ended, and how long it took."""

    tenant: str
    at: float
    status: int
    seconds: float


@dataclass
class Tally:
    """Ends of requests."""

    admitted: int = 0
    queued: int = 0
    refused: int = 0
    longest: float = 0.0

    def add(self, other: Tally) -> None:
        self.admitted += other.admitted
        self.queued += other.queued
        self.refused += other.refused
        self.longest = max(self.longest, other.longest)


@dataclass
class Outcome:
    """The whole run: what happened and what should have."""

    tenants: int
    real: Tally = field(default_factory=Tally)
    ideal: Tally = field(default_factory=Tally)
    differing: int = 0
    """requests that one side let through and the other did not"""
    worst: int = 0
    """the same, of the tenant with the most of them"""

    @property
    def requests(self) -> int:
        return self.ideal.admitted + self.ideal.queued + self.ideal.refused

    def table(self) -> str:
        rows = [("admitted at once", "admitted"), ("queued, then admitted", "queued"), ("refused", "refused")]
        lines = [f"{self.requests} requests of {self.tenants} tenants", "", f"{'':24}{'gateway':>10}{'ideal':>10}"]
        lines += [f"{name:24}{getattr(self.real, key):10}{getattr(self.ideal, key):10}" for name, key in rows]
        lines.append(f"{'longest wait, s':24}{self.real.longest:10.2f}{self.ideal.longest:10.2f}")
        share = 100 * self.differing / max(1, self.requests)
        lines += ["", f"differing: {self.differing} requests ({share:.2f} %), {self.worst} at most for one tenant"]
        return "\n".join(lines)


def plan(tenants: Iterable[str], seconds: float, seed: int) -> list[tuple[float, str]]:
    """Arrivals in order: each tenant comes in one to three bursts of one to sixteen requests."""
    chance = random.Random(seed)
    arrivals = []
    for tenant in tenants:
        for _ in range(chance.randint(1, 3)):
            start = chance.uniform(0, seconds)
            for _ in range(min(16, 1 + int(chance.expovariate(1 / 4)))):
                arrivals.append((start, tenant))
                start += chance.uniform(0, 0.02)
    return sorted(arrivals)


def ideal(times: list[float]) -> list[float | None]:
    """What a perfect queue does with one tenant's arrivals: each one's wait, `None` for those it refuses.

    The generic cell rate algorithm: `due` is when the bucket would be full again; a request waits until all but a
    burst of what came before has drained, and is refused if that is longer than its patience.
    """
    waits: list[float | None] = []
    due = 0.0
    for at in times:
        due = max(due, at)
        wait = max(0.0, due - (BURST - 1) / RATE - at)
        if wait > PATIENCE:
            waits.append(None)
            continue
        due += 1 / RATE
        waits.append(wait)
    return waits


def compare(sent: list[Sent]) -> Outcome:
    """The run against the ideal."""
    by_tenant: dict[str, list[Sent]] = {}
    for one in sent:
        by_tenant.setdefault(one.tenant, []).append(one)
    outcome = Outcome(len(by_tenant))
    for requests in by_tenant.values():
        requests.sort(key=lambda one: one.at)
        waits = ideal([one.at for one in requests])
        outcome.ideal.add(tally(waits))
        real = [one.seconds if one.status == 200 else None for one in requests]
        outcome.real.add(tally(real))
        # Who of a burst gets the last place is a matter of microseconds; how many do is not.
        differing = abs(sum(wait is None for wait in waits) - sum(wait is None for wait in real))
        outcome.differing += differing
        outcome.worst = max(outcome.worst, differing)
    return outcome


def tally(waits: list[float | None]) -> Tally:
    through = [wait for wait in waits if wait is not None]
    queued = sum(wait >= NOTICEABLE for wait in through)
    return Tally(len(through) - queued, queued, len(waits) - len(through), max(through, default=0.0))


async def drive(url: str, keys: dict[str, str], seconds: float, seed: int) -> list[Sent]:
    """Sends all of the plan, each request at its time."""
    sent: list[Sent] = []
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Good morning"}]}
    # A client for each tenant: one for all of them would look through all connections for every request.
    async with contextlib.AsyncExitStack() as stack:
        clients = {
            tenant: await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30, verify=False))
            for tenant in keys
        }
        start = time.monotonic()

        async def ask(due: float, tenant: str) -> None:
            await asyncio.sleep(start + due - time.monotonic())
            at = time.monotonic()
            headers = {"authorization": f"Bearer {keys[tenant]}"}
            answer = await clients[tenant].post("/v1/chat/completions", json=body, headers=headers)
            if answer.status_code not in (200, 429):
                raise RuntimeError(f"{answer.status_code}: {answer.text}")
            sent.append(Sent(tenant, at, answer.status_code, time.monotonic() - at))

        arrivals = plan(keys, seconds, seed)
        print(f"{len(arrivals)} requests in {seconds:g} s, and a few more until the last has waited …", file=sys.stderr)
        await asyncio.gather(*(ask(due, tenant) for due, tenant in arrivals))
    return sent


def mint(tenants: int) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Keys of so many tenants: in clear text for the client, and as the gateway's file has them."""
    keys = {f"tenant-{number:04}": f"tg-{secrets.token_hex(16)}" for number in range(tenants)}
    digests = {tenant: hashlib.sha256(key.encode()).hexdigest() for tenant, key in keys.items()}
    return keys, [{"id": tenant, "sha256": digest, "tenant": tenant} for tenant, digest in digests.items()]


def configuration(directory: Path, base_url: str, entries: list[dict[str, str]]) -> dict[str, Any]:
    """gateway.yaml over a simulated provider, with these keys."""
    config: dict[str, Any] = yaml.safe_load((HERE / "gateway.yaml").read_text())
    config["providers"]["openai"] = {"base_url": base_url}
    (directory / "keys.yaml").write_text(yaml.safe_dump({"keys": entries}))
    config["keys_file"] = str(directory / "keys.yaml")
    return config


def main() -> None:
    parser = argparse.ArgumentParser(description="A thousand tenants in bursts against the gateway's limits.")
    parser.add_argument("--tenants", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--seconds", type=float, default=40, help="in which the bursts begin (40)")
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals (1)")
    options = parser.parse_args()
    sys.path.insert(0, str(HERE.parents[1] / "tests"))
    from support.gateway import Gateway
    from support.sim import OpenAISim

    with tempfile.TemporaryDirectory() as name, OpenAISim("sk-simulated") as openai:
        directory = Path(name)
        keys, entries = mint(options.tenants)
        config = configuration(directory, openai.base_url, entries)
        gateway = Gateway(config, directory, {"OPENAI_API_KEY": "sk-simulated"})
        try:
            sent = asyncio.run(drive(gateway.url, keys, options.seconds, options.seed))
            gateway.assert_sound()
        finally:
            gateway.stop()
    print(compare(sent).table())


if __name__ == "__main__":
    main()
