"""A wall clock that tests can move: an Envoy started with its environment lives in another day."""

from __future__ import annotations

import math
import shutil
import struct
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """One clock, for all processes that are started with `env`."""

    def __init__(self, directory: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("there is no C compiler, which moves the clock")
        library = directory / "clock.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)], check=True)
        self._file = directory / "shift"
        self._shift = 0
        self._write()
        self.env = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self._file)}

    def now(self) -> float:
        """What time it is there, in seconds since 1970."""
        return time.time() + self._shift

    def go_to(self, moment: str) -> float:
        """Moves the clock to a moment, as in RFC 3339, or less than a second past it; gives it in seconds since 1970."""
        wanted = datetime.fromisoformat(moment).astimezone(UTC).timestamp()
        self._shift = math.ceil(wanted - time.time())
        self._write()
        return wanted

    def pass_by(self, seconds: int) -> None:
        """Moves the clock on."""
        self._shift += seconds
        self._write()

    def _write(self) -> None:
        # In place: the processes have it mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", self._shift))
