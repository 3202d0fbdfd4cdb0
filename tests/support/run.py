"""`make run`: Tollgate in a real Envoy, before simulated providers or the real ones whose keys are set.

Prints the URL, a request for each client dialect, and where the audit log and the metrics are. Ctrl-C ends all of it.
`PORT` and `ADMIN_PORT` choose the ports; without them free ones are taken. With `CONFIG=path` that gateway.yaml is
run as it stands, at its own addresses where no port is chosen, and nothing is simulated. Several may run at once, each in
a folder of its own.
"""

from __future__ import annotations

import fcntl
import json
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
from support.sim import (  # noqa: E402
    AnthropicSim,
    BedrockSim,
    CohereSim,
    GeminiSim,
    OpenAIResponsesSim,
    OpenAISim,
    Simulator,
)

SIMULATED = "simulated-key"


class OpenAIWholeSim(OpenAISim):
    """OpenAI with its Responses beside chat completions."""

    def __init__(self, key: str) -> None:
        self.responses = OpenAIResponsesSim(key)
        super().__init__(key)

    def answer(self, request: Any, behaviour: Any) -> Any:
        whose = self.responses if request.path.startswith("/v1/responses") else super()
        return whose.answer(request, behaviour)

    def stop(self) -> None:
        self.responses.stop()
        super().stop()


@dataclass
class Offer:
    """A provider of `make run`: real when its key is set, simulated otherwise."""

    preset: str
    key: str
    models: tuple[str, ...]
    simulator: Callable[[str], Simulator]


OFFERS = (
    Offer("openai", "OPENAI_API_KEY", ("gpt-4o", "gpt-4.1-mini", "gpt-5-mini"), OpenAIWholeSim),
    Offer("anthropic", "ANTHROPIC_API_KEY", ("claude-sonnet-4-5", "claude-haiku-4-5"), AnthropicSim),
    Offer("gemini", "GEMINI_API_KEY", ("gemini-2.5-flash", "gemini-2.5-pro"), GeminiSim),
    Offer("cohere", "COHERE_API_KEY", ("command-a-03-2025",), CohereSim),
    Offer("bedrock", "AWS_BEARER_TOKEN_BEDROCK", ("us.amazon.nova-lite-v1:0",), BedrockSim),
    Offer("groq", "GROQ_API_KEY", ("llama-3.3-70b-versatile",), lambda key: OpenAISim(key, compatible=True)),
)

OTHERS = {
    "cerebras": "CEREBRAS_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PERPLEXITY_API_KEY",
    "together": "TOGETHER_API_KEY",
    "xai": "XAI_API_KEY",
}
"""presets of which there is one only when its key is set; their models are `PRESET/NAME`"""


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
        if offer.preset == "bedrock":
            provider["region"] = environment.get("AWS_REGION") or "us-east-1"
        providers[offer.preset] = provider | {"api_key_env": offer.key}
        models |= {name: f"{offer.preset}/{name}" for name in offer.models}
    for preset, key in OTHERS.items():
        if environment.get(key):
            providers[preset] = {"api_key_env": key}
            env[key] = environment[key]
            models[f"{preset}/*"] = f"{preset}/*"
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


TEXT = "Good morning"
SAID = [{"role": "user", "content": TEXT}]
CLIENTS: tuple[tuple[str, str, str, dict[str, Any], str], ...] = (
    ("An OpenAI client", "claude-sonnet-4-5", "/v1/chat/completions", {"messages": SAID}, ""),
    ("The same as a stream", "gemini-2.5-flash", "/v1/chat/completions", {"stream": True, "messages": SAID}, ""),
    ("A client of OpenAI's Responses", "gpt-4o", "/v1/responses", {"input": TEXT}, ""),
    (
        "An Anthropic client",
        "gpt-4o",
        "/v1/messages",
        {"max_tokens": 200, "messages": SAID},
        "anthropic-version: 2023-06-01",
    ),
    (
        "A Gemini client",
        "command-a-03-2025",
        "/v1beta/models/{model}:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]},
        "",
    ),
    ("A Cohere client", "gpt-4o", "/v2/chat", {"messages": SAID}, ""),
    (
        "A client of Bedrock's",
        "gemini-2.5-flash",
        "/model/{model}/converse",
        {"messages": [{"role": "user", "content": [{"text": TEXT}]}]},
        "",
    ),
    ("An Ollama client", "us.amazon.nova-lite-v1:0", "/api/chat", {"stream": False, "messages": SAID}, ""),
)
"""who asks, which model where there are those of `make run`, at which path, what, and a header"""


def curl(url: str, model: str, path: str, body: dict[str, Any], headers: list[str]) -> str:
    """A request in two lines."""
    silent = "-sSN" if body.get("stream") else "-sS"
    if "{model}" not in path:
        body = {"model": model} | body
    said = "".join(f" -H '{header}'" for header in headers if header)
    said = said.replace("'authorization: Bearer $KEY'", '"authorization: Bearer $KEY"')
    data = json.dumps(body, separators=(",", ":"))
    return f"  curl {silent} {url}{path.format(model=model)}{said} \\\n    -d '{data}'"


def words(up: Running) -> str:
    """What is printed once all of it runs."""
    config, url, directory = up.config, up.url, up.directory
    names = list(config.get("models") or {})
    # A pattern is no name to ask for.
    plain = [name for name in names if "*" not in name] or ["MODEL"]
    about = "those of the configuration"
    if up.simulated:
        about = f"simulated: {', '.join(up.simulated)} (set the API key of one to use the real one)"
    elif up.file.parent == directory:
        about = "all are real"
    key = ""
    if any(config.get(name) for name in ("keys", "keys_file", "master_key")):
        key = "authorization: Bearer $KEY"
    asked = []
    for number, (who, model, path, body, header) in enumerate(CLIENTS):
        model = model if model in names else plain[number % len(plain)]
        asked.append(f"{who}, answered by {model}:\n{curl(url, model, path, body, [key, 'content-type: application/json', header])}")
    return f"""
Tollgate is up at {url}
  models     {", ".join(names) or "whatever the provider has"}
  providers  {about}

{(chr(10) * 2).join(asked)}

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


def free_directory() -> Path:
    """A folder under target/ that no other run writes to. It is this one's until the process ends, however it ends."""
    for number in range(1, 100):
        directory = REPO / "target" / ("run" if number == 1 else f"run-{number}")
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return directory
    raise RuntimeError("a hundred gateways run already")


def main() -> int:
    """Runs until it is interrupted."""
    directory = free_directory()
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
    except (EnvoyFailed, RuntimeError, OSError) as error:
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
