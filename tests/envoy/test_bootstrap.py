"""The rendered file needs itself, the module and the environment: nothing else, nowhere in particular."""

from __future__ import annotations

import shutil
import subprocess

import httpx
import pytest
import yaml

from support.envoy import Envoy, envoy_binary, module_file
from support.gateway import chat_body, render, tollgate
from support.world import SECRETS


@pytest.fixture
def config(world, tmp_path):
    server = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0"}
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(world.config(server=server)))
    return path


def test_file_module_and_environment_are_enough(world, config, tmp_path):
    """As `func-e run -c file` does: the file, a clean environment, any working directory."""
    there = tmp_path / "elsewhere"
    there.mkdir()
    shutil.copy(module_file(), there / "tollgate.wasm")
    render(config, there / "envoy.yaml", module="tollgate.wasm")
    config.unlink()
    assert str(tmp_path) not in (there / "envoy.yaml").read_text()
    envoy = Envoy(there / "envoy.yaml", there, SECRETS, cwd=there)
    try:
        host, port = envoy.listener()
        answer = httpx.post(f"http://{host}:{port}/v1/chat/completions", json=chat_body("gpt", "alone"))
        assert answer.json()["choices"][0]["message"]["content"] == "echo: alone"
    finally:
        envoy.stop()


def test_envoy_validates_it(config, tmp_path):
    render(config, tmp_path / "envoy.yaml")
    done = subprocess.run(
        [str(envoy_binary()), "--mode", "validate", "-c", str(tmp_path / "envoy.yaml"), "--log-level", "error"],
        capture_output=True, text=True, timeout=60, env=SECRETS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr.lower()


def test_check_names_the_bad_field(config):
    text = config.read_text().replace("dialect: openai_chat", "dialekt: openai_chat", 1)
    config.write_text(text)
    done = tollgate("check", "--config", str(config))
    said = done.stderr + done.stdout
    assert done.returncode != 0
    assert "providers.dead.dialekt" in said and "`dialect`" in said


def test_check_accepts_a_good_one(config):
    done = tollgate("check", "--config", str(config), env={"ENVOY": str(envoy_binary()), **SECRETS})
    assert done.returncode == 0, done.stderr + done.stdout


def test_a_missing_listener_port_is_the_default(world, tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(world.config()))
    render(path, tmp_path / "envoy.yaml")
    text = (tmp_path / "envoy.yaml").read_text()
    assert "10000" in text and "9901" in text
