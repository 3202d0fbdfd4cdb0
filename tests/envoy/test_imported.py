"""A LiteLLM configuration, imported and run: what its deployments may take holds, and its fallbacks are for their reasons."""

from __future__ import annotations

import json

import pytest
import yaml

from support.gateway import Gateway, tollgate
from support.sim import raw
from support.world import GPT, SECRETS

TOO_LONG = {"error": {"message": "This model's maximum context length is 128000 tokens.", "type": "invalid_request_error",
                      "param": "messages", "code": "context_length_exceeded"}}  # fmt: skip
FORBIDDEN = {"error": {"message": "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
                       "type": "invalid_request_error", "code": "invalid_prompt"}}  # fmt: skip


@pytest.fixture(scope="module")
def gateway(standing_world, tmp_path_factory):
    def deployment(name, sim, key, **params):
        base = {"model": f"openai/{GPT}", "api_base": sim.base_url, "api_key": f"os.environ/{key}"}
        return {"model_name": name, "litellm_params": base | params}

    first, second = standing_world.openai, standing_world.second
    one, two = "OPENAI_TEST_KEY", "SECOND_TEST_KEY"
    litellm = {
        "model_list": [
            deployment("limited", first, one, order=1, rpm=2),
            deployment("limited", second, two, order=2),
            deployment("split", first, one, weight=1),
            deployment("split", second, two, weight=0),
            deployment("first", first, one),
            deployment("second", second, two),
        ],
        "router_settings": {
            "context_window_fallbacks": [{"first": ["second"]}],
            "num_retries": 0,
        },
        "litellm_settings": {
            "content_policy_fallbacks": [{"first": ["second"]}],
            "max_budget": 1,
            "budget_duration": "1d",
        },
    }
    directory = tmp_path_factory.mktemp("imported")
    source = directory / "litellm.yaml"
    source.write_text(yaml.safe_dump(litellm))
    done = tollgate("import", "litellm", str(source), "--out", str(directory / "imported.yaml"))
    assert done.returncode == 0, done.stderr
    config = yaml.safe_load((directory / "imported.yaml").read_text())
    config["prices"] = {GPT: {"input": 2.0, "output": 8.0}, "gpt-4o-2024-08-06": {"input": 2.0, "output": 8.0}}
    gateway = Gateway(config, directory, SECRETS)
    yield gateway
    try:
        gateway.assert_sound()
    finally:
        gateway.stop()


def refusal(body):
    return raw(json.dumps(body).encode(), status=400)


def counts(world):
    return len(world.openai.requests), len(world.second.requests)


def test_what_a_deployment_may_take_in_a_minute(world, gateway):
    statuses = [gateway.chat("limited").status_code for _ in range(5)]
    assert (statuses, counts(world)) == ([200] * 5, (2, 3))


def test_weights(world, gateway):
    assert {gateway.chat("split").status_code for _ in range(8)} == {200}
    assert counts(world) == (8, 0)


@pytest.mark.parametrize(("body", "reason"), [(TOO_LONG, "context_window"), (FORBIDDEN, "content_policy")])
def test_fallbacks_for_their_reasons(world, gateway, body, reason):
    world.openai.script(refusal(body))
    answer = gateway.chat("first")
    assert answer.status_code == 200, answer.text
    assert gateway.audited(answer)["routed_by"] == {"fallback": reason}
    assert counts(world) == (1, 1)


def test_the_budget_of_the_proxy(world, gateway):
    found = gateway.http.get("/v1/budget").json()["budgets"]
    (budget,) = [entry for entry in found if entry["name"] == "proxy budget"]
    assert (budget["per"], budget["unit"], budget["limit"]) == ("global", "usd", 1)
    assert budget["spent"] > 0
    refused = gateway.chat("first", max_tokens=900_000)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
