"""A gateway.yaml, rendered and running: what a test asks, and what it reads afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from .envoy import Envoy, module_file, tollgate_binary

Sample = tuple[str, dict[str, str], float]


def tollgate(
    *arguments: str, stdin: str | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command line tool."""
    return subprocess.run(
        [str(tollgate_binary()), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=None if env is None else {"PATH": os.environ.get("PATH", ""), **env},
    )


def render(
    config: Path, out: Path, *, split: bool = False, module: Path | None = None, more: Sequence[str] = ()
) -> None:
    """`tollgate render`, with `more` arguments; raises with what the tool said when it refuses."""
    where = ["--split", str(out)] if split else ["--out", str(out)]
    done = tollgate(
        "render", "--config", str(config), "--target", "envoy", "--module", str(module or module_file()), *where, *more
    )
    if done.returncode != 0:
        raise RuntimeError(f"tollgate render refused:\n{done.stderr}\n{done.stdout}")


class Gateway:
    """Tollgate in Envoy over one configuration."""

    def __init__(
        self,
        config: dict[str, Any],
        directory: Path,
        env: dict[str, str] | None = None,
        *,
        split: bool = False,
        log_level: str = "warning",
    ) -> None:
        self.directory = directory
        self.split = split
        self.expected: list[str] = []
        """words of log lines that a test provoked on purpose"""
        self.env = env or {}
        server = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0"} | config.get("server", {})
        self.config = {**config, "server": server}
        self.rendered = directory / ("rendered" if split else "envoy.yaml")
        self.write()
        bootstrap = self.rendered / "bootstrap.yaml" if split else self.rendered
        if split:
            found = sorted(self.rendered.glob("*"))
            bootstrap = next((path for path in found if path.stem in ("bootstrap", "envoy")), found[0])
        self.envoy = Envoy(bootstrap, directory, self.env, log_level=log_level)
        host, port = self.envoy.listener()
        scheme = "https" if "tls" in server else "http"
        self.url = f"{scheme}://{host}:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def write(self, config: dict[str, Any] | None = None) -> None:
        """Writes gateway.yaml and renders it (again)."""
        self.config = config or self.config
        path = self.directory / "gateway.yaml"
        path.write_text(yaml.safe_dump(self.config, sort_keys=False))
        render(path, self.rendered, split=self.split)

    def stop(self) -> None:
        """Ends the client and Envoy."""
        self.http.close()
        self.envoy.stop()

    # -- asking -----------------------------------------------------------------------------------------------

    def chat(self, model: str, messages: Any = "hi", key: str | None = None, **more: Any) -> httpx.Response:
        """POST /v1/chat/completions, read to its end."""
        return self.http.post("/v1/chat/completions", json=chat_body(model, messages, **more), headers=bearer(key))

    def messages(self, model: str, messages: Any = "hi", key: str | None = None, **more: Any) -> httpx.Response:
        """POST /v1/messages, read to its end."""
        headers = {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})
        return self.http.post("/v1/messages", json=messages_body(model, messages, **more), headers=headers)

    def ask(self, dialect: str, model: str, messages: Any = "hi", **more: Any) -> httpx.Response:
        """`chat` or `messages`, by the dialect's name."""
        return (self.chat if dialect == "openai_chat" else self.messages)(model, messages, **more)

    # -- reading ----------------------------------------------------------------------------------------------

    def audit(self) -> list[dict[str, Any]]:
        """Every audit line so far."""
        # Not `splitlines`: a line of JSON may hold U+2028 and its like.
        lines = self.envoy.out_file.read_text(errors="replace").split("\n")
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def audited(self, answer: httpx.Response | str, timeout: float = 5.0) -> dict[str, Any]:
        """The audit line of one answer (or request id), waited for."""
        wanted = answer if isinstance(answer, str) else answer.headers["x-tollgate-request-id"]
        return self.audit_where(lambda line: line.get("request_id") == wanted, timeout)

    def audit_where(self, check: Callable[[dict[str, Any]], bool], timeout: float = 5.0) -> dict[str, Any]:
        """The newest audit line for which `check` holds, waited for."""
        until = time.monotonic() + timeout
        while True:
            found = [line for line in self.audit() if check(line)]
            if found:
                return found[-1]
            assert time.monotonic() < until, f"no such audit line among {self.audit()[-5:]}\n{self.log()[-2000:]}"
            time.sleep(0.03)

    def metrics(self) -> list[Sample]:
        """The samples of /stats/prometheus whose names begin with `tollgate_` (or `envoy_tollgate_`)."""
        found = []
        for line in self.envoy.ask("/stats/prometheus").splitlines():
            match = re.match(r"^(?:envoy_)?(tollgate_\w+)(?:\{(.*)\})? ([-+0-9.eEinfNa]+)$", line)
            if match:
                tags = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                found.append((match[1], tags, float(match[3])))
        return found

    def metric(self, name: str, **tags: str) -> float:
        """The sum of the samples of `name` that carry these tags."""
        return sum(value for found, has, value in self.metrics() if found == name and tags.items() <= has.items())

    def log(self) -> str:
        """What Envoy and the filter have logged."""
        return self.envoy.log()

    def assert_sound(self) -> None:
        """No trap, no panic, no rebuilt VM in all the time it ran."""
        assert self.envoy.process.poll() is None, f"Envoy is gone:\n{self.log()[-4000:]}"
        bad = (
            "panicked",
            "wasm trap",
            "Uncaught RuntimeError",
            "proxy_on_",
            "Plugin configured to fail",
            "FAIL_RELOAD",
        )
        lines = [line for line in self.log().splitlines() if any(word in line for word in bad)]
        lines = [line for line in lines if not any(word in line for word in self.expected)]
        assert not lines, "the filter broke:\n" + "\n".join(lines[:20])


def bearer(key: str | None) -> dict[str, str]:
    """The header an OpenAI client authenticates with."""
    return {"authorization": f"Bearer {key}"} if key else {}


def chat_body(model: str, messages: Any = "hi", **more: Any) -> dict[str, Any]:
    """A request of an OpenAI client; a string becomes its one user message."""
    said = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    return {"model": model, "messages": said, **more}


def messages_body(model: str, messages: Any = "hi", **more: Any) -> dict[str, Any]:
    """A request of an Anthropic client; a string becomes its one user message."""
    said = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    return {"model": model, "max_tokens": 512, "messages": said, **more}


def body_for(dialect: str, model: str, messages: Any = "hi", **more: Any) -> dict[str, Any]:
    """`chat_body` or `messages_body`, by the dialect's name."""
    return (chat_body if dialect == "openai_chat" else messages_body)(model, messages, **more)


def path_for(dialect: str) -> str:
    """Where a client of this dialect posts."""
    return "/v1/chat/completions" if dialect == "openai_chat" else "/v1/messages"
