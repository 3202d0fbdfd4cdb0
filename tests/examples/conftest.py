"""Runs the examples' own gateway.yaml files; only addresses are replaced, by those of simulators."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from support.gateway import Gateway

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def run_example(tmp_path_factory):
    """`run_example("quickstart", {"openai": url, …}, env)`: a running gateway over that example's file."""
    running = []

    def run(name, addresses, env):
        config = yaml.safe_load((EXAMPLES / name / "gateway.yaml").read_text())
        for provider, url in addresses.items():
            if provider == "litellm":
                config["litellm"]["base_url"] = url
            else:
                config["providers"][provider]["base_url"] = url
        named = set(config["providers"]) | ({"litellm"} if "litellm" in config else set())
        assert named == set(addresses), "every provider of the example is simulated"
        running.append(Gateway(config, tmp_path_factory.mktemp(name), env))
        return running[-1]

    yield run
    for gateway in running:
        try:
            gateway.assert_sound()
        finally:
            gateway.stop()
