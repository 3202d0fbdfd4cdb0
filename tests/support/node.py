"""Clients that run under Node: a script of theirs as a child process, and what it printed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .envoy import REPO


class NodeFailed(RuntimeError):
    """Node or its packages are not there, or a script ended badly."""


def packages() -> Path:
    """`TOLLGATE_NODE` if set, else what `make setup` installed."""
    place = Path(os.environ.get("TOLLGATE_NODE") or REPO / "target" / "node")
    if not (place / "node_modules").is_dir():
        raise NodeFailed(f"no packages in {place}: install Node.js 20 or newer with npm, then run `make setup`")
    return place


def run(script: Path, *arguments: str, timeout: float = 50) -> Any:
    """The JSON that `script` prints. It is read from stdin, so that it finds the packages of the working directory."""
    node = shutil.which("node")
    if node is None:
        raise NodeFailed("no node on PATH: install Node.js 20 or newer with npm, then run `make setup`")
    done = subprocess.run(
        [node, "--input-type=module", "-", *arguments],
        input=script.read_text(),
        cwd=packages(),
        env={"PATH": os.environ.get("PATH", ""), "NODE_NO_WARNINGS": "1"},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise NodeFailed(f"{script.name} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout)
