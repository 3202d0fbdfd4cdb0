"""Redis, and webdis before it, as child processes that never outlive their test."""

from __future__ import annotations

import base64
import ctypes
import http.client
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .world import dead_port


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6", use_errno=True).prctl(1, signal.SIGKILL)


def program(name: str) -> str:
    """Where a server is; a test without it is skipped, and says so."""
    # Debian's services lie in sbin on some systems, which is not on everybody's path.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed: `make setup` installs it where apt is there")
    return found


class Redis:
    """redis-server with webdis before it, each on a port of its own."""

    def __init__(self, directory: Path, *, keep: bool = False, credential: str | None = None) -> None:
        """`keep`: what is written survives a kill. `credential`: `user:password` without which webdis runs nothing."""
        self.directory = directory
        self.keep = keep
        self.port, self.webdis_port = dead_port(), dead_port()
        self._programs = {name: program(name) for name in ("redis-server", "webdis")}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        acl: list[dict[str, object]] = [{"disabled": ["DEBUG"]}]
        if credential:
            acl = [{"disabled": ["*"]}, {"http_basic_auth": credential, "enabled": ["EVAL", "PING"]}]
        webdis = {
            "redis_host": "127.0.0.1",
            "redis_port": self.port,
            "http_host": "127.0.0.1",
            "http_port": self.webdis_port,
            "threads": 2,
            "daemonize": False,
            "verbosity": 1,
            "logfile": str(directory / "webdis.log"),
            "acl": acl,
        }
        (directory / "webdis.json").write_text(json.dumps(webdis))
        self._credential = credential
        self.start()
        self._run("webdis", "webdis", str(directory / "webdis.json"))
        self._wait("webdis does not reach Redis", lambda: self._http("PING") == {"PING": [True, "PONG"]})

    @property
    def address(self) -> str:
        """`host:port` of webdis."""
        return f"127.0.0.1:{self.webdis_port}"

    def start(self) -> None:
        """Starts Redis, with what it kept."""
        kept = ["--appendonly", "yes", "--appendfsync", "always"] if self.keep else ["--appendonly", "no"]
        common = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.directory)]
        self._run("redis", "redis-server", *common, *kept)
        self._wait("Redis does not answer", lambda: self.ask("PING") == "PONG")

    def kill(self) -> None:
        """Ends Redis without a warning; webdis stays."""
        self._end("redis")

    def stop(self) -> None:
        """Ends both."""
        for name in list(self._running):
            self._end(name)

    def ask(self, *command: str) -> str:
        """What Redis answers to a command, as redis-cli prints it."""
        cli = [program("redis-cli"), "-p", str(self.port), *command]
        return subprocess.run(cli, capture_output=True, text=True, timeout=10, check=False).stdout.strip()

    def totals(self, pattern: str) -> dict[str, int]:
        """For each key, what all Envoys together wrote into it."""
        keys = [key for key in self.ask("KEYS", pattern).split("\n") if key]
        return {key: sum(int(v.split(" ")[0]) for v in self.ask("HVALS", key).split("\n") if v) for key in keys}

    def _run(self, name: str, binary: str, *arguments: str) -> None:
        with (self.directory / f"{name}.out").open("ab") as out:
            self._running[name] = subprocess.Popen(
                [self._programs[binary], *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.directory,
                preexec_fn=_die_with_parent,
            )

    def _end(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is not None:
            process.kill()
            process.wait(5)

    def _http(self, command: str) -> object:
        headers = {}
        if self._credential:
            headers["authorization"] = "Basic " + base64.b64encode(self._credential.encode()).decode()
        # Not urllib: it asks for the connection to be closed, after which webdis 0.1.9 serves its thread's others no more.
        connection = http.client.HTTPConnection("127.0.0.1", self.webdis_port, timeout=2)
        try:
            connection.request("GET", f"/{command}", headers=headers)
            return json.load(connection.getresponse())
        except (ConnectionError, TimeoutError, http.client.HTTPException, json.JSONDecodeError):
            return None
        finally:
            connection.close()

    def _wait(self, what: str, ready) -> None:
        until = time.monotonic() + 20
        while not ready():
            gone = [name for name, process in self._running.items() if process.poll() is not None]
            said = "".join(path.read_text(errors="replace")[-2000:] for path in self.directory.glob("*.out"))
            assert not gone and time.monotonic() < until, f"{what}; ended: {gone}\n{said}"
            time.sleep(0.03)
