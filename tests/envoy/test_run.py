"""`make run` prints commands that work, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from support.answers import read_stream
from support.envoy import tollgate_binary
from support.run import plan

RUN = Path(__file__).resolve().parents[1] / "support" / "run.py"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def started(**more):
    """`make run`, with nobody's API keys."""
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | more
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, str(RUN)], **pipes, text=True, env=env)


@pytest.fixture(scope="module")
def running():
    ports = {"PORT": str(free_port()), "ADMIN_PORT": str(free_port())}
    process = started(**ports)
    said = ""
    try:
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        assert "Tollgate is up" in said, said
        yield process, said, ports
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(5)


def curls(said):
    text = said.replace("\\\n", " ")
    return [shlex.split(line.strip()) for line in text.splitlines() if line.strip().startswith("curl ")]


def test_the_printed_commands_work(running):
    _, said, ports = running
    chat, streamed, responses, messages, gemini, cohere, bedrock, ollama = (
        subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
        for command in curls(said)
    )
    assert read_stream("openai_chat", streamed).text == "echo: Good morning"
    for answer, place in (
        (chat, ("choices", 0, "message", "content")),
        (responses, ("output", 0, "content", 0, "text")),
        (messages, ("content", 0, "text")),
        (gemini, ("candidates", 0, "content", "parts", 0, "text")),
        (cohere, ("message", "content", 0, "text")),
        (bedrock, ("output", "message", "content", 0, "text")),
        (ollama, ("message", "content")),
    ):
        found = json.loads(answer)
        for step in place:
            found = found[step]
        assert found == "echo: Good morning", answer
    assert f":{ports['PORT']}" in said and f":{ports['ADMIN_PORT']}" in said


def test_a_provider_whose_key_is_set_is_the_real_one():
    config, env, simulators = plan({"GROQ_API_KEY": "gsk-real", "MISTRAL_API_KEY": "real", "AWS_REGION": "eu-west-1"})
    for simulator in simulators:
        simulator.stop()
    real = {name for name, provider in config["providers"].items() if "base_url" not in provider}
    assert real == {"groq", "mistral"} and "groq" not in [simulator.name for simulator in simulators]
    assert (env["GROQ_API_KEY"], env["MISTRAL_API_KEY"]) == ("gsk-real", "real")
    assert config["models"]["mistral/*"] == "mistral/*"
    assert config["providers"]["bedrock"]["region"] == "eu-west-1"


def test_audit_log_metrics_and_health_are_where_it_says(running):
    _, said, _ = running
    where = dict(re.findall(r"^  (audit log|metrics|health|bootstrap|config) +(\S+)$", said, re.M))
    subprocess.run(curls(said)[0], capture_output=True, timeout=30, check=True)
    time.sleep(0.3)
    line = json.loads(Path(where["audit log"]).read_text().splitlines()[-1])
    assert line["provider"] == "anthropic"
    assert b"tollgate_requests" in urllib.request.urlopen(where["metrics"]).read()
    assert json.load(urllib.request.urlopen(where["health"]))["status"]
    assert Path(where["bootstrap"]).exists() and Path(where["config"]).exists()


def test_one_more_leaves_the_files_of_the_first_alone(running):
    _, said, _ = running
    first = Path(re.search(r"^  audit log +(\S+)$", said, re.M)[1])
    before = first.read_text()
    process = started()
    try:
        more = ""
        for line in process.stdout:
            more += line
            if "Ctrl-C" in line:
                break
        second = Path(re.search(r"^  audit log +(\S+)$", more, re.M)[1])
        assert second.parent != first.parent and second.parent.parent == first.parent.parent
        subprocess.run(curls(more)[0], capture_output=True, timeout=30, check=True)
        subprocess.run(curls(said)[0], capture_output=True, timeout=30, check=True)
        time.sleep(0.3)
        assert first.read_text().startswith(before) and len(first.read_text()) > len(before)
        assert len(second.read_text().splitlines()) == 1
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_interrupt_stops_all_of_it(running):
    process, _, ports = running
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    for port in ports.values():
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", int(port)), timeout=1):
            pass


def test_a_configuration_of_ones_own(tmp_path):
    """It runs where it stands, with files beside it, and the commands fit it."""
    secret = subprocess.run(
        [str(tollgate_binary()), "key", "new", "--id", "me", "--file", str(tmp_path / "keys.yaml")],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout.split()[-1]  # fmt: skip
    ports = {"PORT": str(free_port()), "ADMIN_PORT": str(free_port())}
    (tmp_path / "gateway.yaml").write_text(
        "server: {prefix: /llm}\nkeys_file: keys.yaml\nproviders: {openai: {}}\nmodels: {'openai/*': 'openai/*'}\n"
    )
    process = started(CONFIG=str(tmp_path / "gateway.yaml"), **ports)
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        assert f"http://127.0.0.1:{ports['PORT']}/llm\n" in said and str(tmp_path / "gateway.yaml") in said
        command = next(line for line in said.splitlines() if "curl " in line).strip().rstrip("\\")
        url = f"http://127.0.0.1:{ports['PORT']}/llm/v1/models"
        assert f"{url.removesuffix('models')}chat/completions" in command
        header = shlex.split(command)[shlex.split(command).index("-H") + 1].replace("$KEY", secret)
        for key, status in ((header, "200"), ("authorization: Bearer other", "401")):
            asked = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url, "-H", key]
            assert subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout == status
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("written", "words"),
    [(None, "nothing.yaml"), ("models: [", "nothing.yaml"), ("models: {a: opnai/x}", "did you mean `openai`")],
)
def test_a_configuration_that_cannot_run_is_told_in_a_line(tmp_path, written, words):
    if written is not None:
        (tmp_path / "nothing.yaml").write_text(written)
    process = started(CONFIG=str(tmp_path / "nothing.yaml"))
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert words in said and "Traceback" not in said


def test_an_envoy_that_is_not_there_is_told_in_a_line():
    process = started(ENVOY="/nowhere/envoy")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "/nowhere/envoy" in said and "Traceback" not in said
