"""Shared by all suites: a clean environment, the standard world, and gateways that always end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cast import Cast
from support.gateway import Gateway
from support.redis import Redis
from support.services import Services, running
from support.world import SECRETS, World

# The SDKs read credentials, base URLs and proxies from the environment; tests hand over everything themselves.
SDK_PREFIXES = (
    "ANTHROPIC_",
    "AWS_",
    "AZURE_",
    "CLAUDE_",
    "CO_",
    "COHERE_",
    "GEMINI_",
    "GOOGLE_",
    "LITELLM_",
    "OLLAMA_",
    "OPENAI_",
)
for _name in list(os.environ):
    if _name.startswith(SDK_PREFIXES) or _name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
        del os.environ[_name]

# Every client of an SDK reads all of the system's certificate authorities, which takes it 50 ms: more than its test does. This
# folder has none, and a test that wants one names it.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that every complete run has."""
    parser.addoption("--fail-on-skip", action="store_true", help="a test that is skipped fails the run")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """What was not run was not proven."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if session.config.getoption("--fail-on-skip") and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says so."""
    skipped = len(terminalreporter.stats.get("skipped", []))
    if config.getoption("--fail-on-skip") and skipped:
        terminalreporter.write_line(f"{skipped} skipped: the run fails (--fail-on-skip)", red=True, bold=True)


@pytest.fixture(scope="session")
def standing_world() -> Iterator[World]:
    """The simulators of the whole session."""
    world = World()
    yield world
    world.stop()


@pytest.fixture(scope="session")
def standing_gateway(standing_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The standard gateway, shared by every suite that needs nothing special."""
    gateway = standing_world.start(tmp_path_factory.mktemp("gateway"))
    yield gateway
    try:
        gateway.assert_sound()
    finally:
        gateway.stop()


@pytest.fixture
def world(standing_world: World) -> Iterator[World]:
    """The simulators, without a past; whatever framing or header fault they find fails the test."""
    standing_world.clear()
    yield standing_world
    assert not standing_world.faults()


@pytest.fixture
def gateway(world: World, standing_gateway: Gateway) -> Gateway:
    """The standard gateway over a fresh `world`."""
    return standing_gateway


@pytest.fixture(scope="module")
def make_gateway(standing_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways of other configurations, one for each, shared by the tests of the module and ended with it."""
    running: dict[str, Gateway] = {}

    def make(config: dict[str, Any] | None = None, env: dict[str, str] | None = None, **more: Any) -> Gateway:
        split = more.pop("split", False)
        whole = standing_world.config(**more) if config is None else config
        # A split rendering is there to be changed by its test; it is never shared.
        known = json.dumps([whole, env, len(running) if split else None], sort_keys=True)
        if known not in running:
            directory: Path = tmp_path_factory.mktemp("gateway")
            running[known] = Gateway(whole, directory, SECRETS | (env or {}), split=split)
        return running[known]

    yield make
    for gateway in running.values():
        try:
            gateway.assert_sound()
        finally:
            gateway.stop()


@pytest.fixture(scope="module")
def make_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Redis]]:
    """Starts Redis with webdis before it, ended with the module."""
    running: list[Redis] = []

    def make(**more: Any) -> Redis:
        running.append(Redis(tmp_path_factory.mktemp("redis"), **more))
        return running[-1]

    yield make
    for redis in running:
        redis.stop()


@pytest.fixture(scope="session")
def standing_cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """A provider of every dialect behind one gateway, for the clients that are tried against them all."""
    cast = Cast()
    cast.start(tmp_path_factory.mktemp("cast"))
    yield cast
    cast.stop()


@pytest.fixture
def cast(standing_cast: Cast) -> Iterator[Cast]:
    """The same, without a past; whatever framing or header fault its providers find fails the test."""
    standing_cast.clear()
    yield standing_cast
    assert not standing_cast.faults()


@pytest.fixture(scope="module")
def standing_services(make_gateway: Callable[..., Gateway]) -> Iterator[Services]:
    """Providers with all their services, and one gateway before them."""
    yield from running(make_gateway)


@pytest.fixture
def services(standing_services: Services) -> Iterator[Services]:
    """The same, as if nothing had been asked of it."""
    standing_services.clear()
    yield standing_services
    assert not standing_services.faults()
