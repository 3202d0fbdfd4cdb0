"""`make run`: Tollgate in a real Envoy, before simulated providers or the real ones whose keys are set.

Prints the URL, a request for each client dialect, and where the audit log and the metrics are. Ctrl-C ends all of it.
`PORT` and `ADMIN_PORT` choose the ports; without them free ones are taken. With `CONFIG=path` that gateway.yaml is
run as it stands, at its own addresses where no port is chosen, and nothing is simulated.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])

import yaml  # noqa: E402

from support.envoy import REPO, Envoy, EnvoyFailed  # noqa: E402
from support.gateway import render  # noqa: E402
from support.sim import AnthropicSim, OpenAISim, Simulator  # noqa: E402

SIMULATED = "simulated-key"


@dataclass
class Offer:
    """A provider of `make run`: real when its key is set, simulated otherwise."""

    preset: str
    key: str
    models: tuple[str, ...]
    simulator: Callable[[str], Simulator]


OFFERS = (
    Offer("openai", "OPENAI_API_KEY", ("gpt-4o", "gpt-4.1-mini", "gpt-5-mini"), OpenAISim),
    Offer("anthropic", "ANTHROPIC_API_KEY", ("claude-sonnet-4-5", "claude-haiku-4-5"), AnthropicSim),
    Offer("groq", "GROQ_API_KEY", ("llama-3.3-70b-versatile",), lambda key: OpenAISim(key, compatible=True)),
)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def plan(environment: dict[str, str]) -> tuple[dict[str, Any], dict[str, str], list[Simulator]]:
    """The configuration, the environment Envoy gets, and the simulators that were started."""
    providers: dict[str, Any] = {}
    models: dict[str, Any] = {}
    env: dict[str, str] = {}
    simulators: list[Simulator] = []
    for offer in OFFERS:
        real = environment.get(offer.key)
        provider: dict[str, Any] = {"preset": offer.preset}
        if real:
            env[offer.key] = real
        else:
            simulator = offer.simulator(SIMULATED)
            simulator.name = offer.preset
            simulators.append(simulator)
            provider["base_url"] = simulator.base_url  # type: ignore[attr-defined]
            env[offer.key] = SIMULATED
        providers[offer.preset] = provider | {"api_key_env": offer.key}
        models |= {name: f"{offer.preset}/{name}" for name in offer.models}
    models["smart"] = ["anthropic/claude-sonnet-4-5", "openai/gpt-4o"]
    server = {
        "listen": f"127.0.0.1:{environment.get('PORT') or free_port()}",
        "admin": f"127.0.0.1:{environment.get('ADMIN_PORT') or free_port()}",
    }
    return {"server": server, "providers": providers, "models": models}, env, simulators


@dataclass
class Running:
    """What is told of a gateway that is up."""

    url: str
    admin: str
    config: dict[str, Any]
    """The configuration, read."""
    file: Path
    """Where it stands."""
    directory: Path
    """Where the rest is."""
    simulated: list[str]
    """Names of the providers that are not real."""


def words(up: Running) -> str:
    """What is printed once all of it runs."""
    config, url, directory = up.config, up.url, up.directory
    names = list(config.get("models") or {})
    # A pattern is no name to ask for.
    plain = [name for name in names if "*" not in name] or ["MODEL"]
    gpt, claude = ("gpt-4o", "claude-sonnet-4-5") if "gpt-4o" in names else (plain[0], plain[-1])
    about = "those of the configuration"
    if up.simulated:
        about = f"simulated: {', '.join(up.simulated)} (set the API key of one to use the real one)"
    elif up.file.parent == directory:
        about = "all are real"
    key = ""
    if any(config.get(name) for name in ("keys", "keys_file", "master_key")):
        key = ' -H "authorization: Bearer $KEY"'
    return f"""
Tollgate is up at {url}
  models     {", ".join(names) or "whatever the provider has"}
  providers  {about}

An OpenAI client, answered by {claude}:
  curl -sS {url}/v1/chat/completions{key} -H 'content-type: application/json' \\
    -d '{{"model":"{claude}","messages":[{{"role":"user","content":"Good morning"}}]}}'

The same as a stream, answered by {gpt}:
  curl -sSN {url}/v1/chat/completions{key} -H 'content-type: application/json' \\
    -d '{{"model":"{gpt}","stream":true,"messages":[{{"role":"user","content":"Good morning"}}]}}'

An Anthropic client, answered by {gpt}:
  curl -sS {url}/v1/messages{key} -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \\
    -d '{{"model":"{gpt}","max_tokens":200,"messages":[{{"role":"user","content":"Good morning"}}]}}'

  config     {up.file}
  bootstrap  {directory / "envoy.yaml"}
  audit log  {directory / "stdout.log"}
  log        {directory / "envoy.log"}
  metrics    {up.admin}/stats/prometheus?filter=wasmcustom
  health     {url}/health

Ctrl-C stops all of it.
"""


def chosen_ports(environment: dict[str, str]) -> list[str]:
    """The arguments of `tollgate render` for the ports that the environment chooses."""
    chosen = (("--listen", environment.get("PORT")), ("--admin", environment.get("ADMIN_PORT")))
    return [word for name, port in chosen if port for word in (name, f"127.0.0.1:{port}")]


def main() -> int:
    """Runs until it is interrupted."""
    directory = REPO / "target" / "run"
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("stdout.log", "envoy.log", "admin.address"):
        (directory / name).unlink(missing_ok=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    simulators: list[Simulator] = []
    envoy: Envoy | None = None
    try:
        own = os.environ.get("CONFIG")
        # Its own relative paths start where it stands.
        file = Path(own).resolve() if own else directory / "gateway.yaml"
        at: list[str] = []
        if own:
            env = dict(os.environ)
            at = chosen_ports(env)
        else:
            config, env, simulators = plan(dict(os.environ))
            file.write_text(yaml.safe_dump(config, sort_keys=False))
        render(file, directory / "envoy.yaml", more=at)
        config = yaml.safe_load(file.read_text()) or {}
        envoy = Envoy(directory / "envoy.yaml", directory, env)
        host, port = envoy.listener()
        server = config.get("server") or {}
        url = f"{'https' if server.get('tls') else 'http'}://{host}:{port}{(server.get('prefix') or '').rstrip('/')}"
        up = Running(url, envoy.admin, config, file, directory, [sim.name for sim in simulators])
        print(words(up), flush=True)
        while not stop.wait(0.2):
            if envoy.process.poll() is not None:
                print(f"Envoy ended with {envoy.process.returncode}; its log is {envoy.log_file}", file=sys.stderr)
                return 1
    except (EnvoyFailed, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if envoy is not None:
            envoy.stop()
        for sim in simulators:
            sim.stop()
    print("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
