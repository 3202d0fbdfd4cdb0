"""Who may ask: client keys, and credentials that are passed on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest
import yaml

from support.answers import ANTHROPIC, DIALECTS, error_of
from support.gateway import Gateway, body_for, path_for, tollgate
from support.sim import AnthropicSim, OpenAISim, fail
from support.world import CLAUDE, GPT

KEY = "tg-alice-5f4dcc3b5aa765d61d8327deb882cf99"
OTHER = "tg-bob-e10adc3949ba59abbe56e057f20f883e"


@dataclass
class Cast:
    """Providers that authenticate in other ways than the standard ones, and one gateway before them."""

    openai: OpenAISim
    claude: AnthropicSim
    gateway: Gateway


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture(scope="module")
def standing_cast(make_gateway, standing_world):
    with OpenAISim("sk-of-the-client") as openai, AnthropicSim("sk-ant-of-the-client") as claude:
        known = {"base_url": standing_world.openai.base_url, "dialect": "openai_chat", "api_key_env": "OPENAI_TEST_KEY"}
        forwarded = ["anthropic-beta", "anthropic-version"]
        gateway = make_gateway(
            env={"EXTRA_SECRET": "extra-3d2c1b"},
            providers={
                "mine": {"base_url": openai.base_url, "dialect": "openai_chat", "auth": "passthrough"},
                "theirs": {
                    "base_url": claude.base_url,
                    "dialect": "anthropic",
                    "auth": "passthrough",
                    "forward_headers": forwarded,
                },
                "headed": known | {"headers": {"x-org": "team-a", "x-secret": {"env": "EXTRA_SECRET"}}},
                "az": {
                    "preset": "azure",
                    "base_url": standing_world.openai.origin,
                    "api_key_env": "OPENAI_TEST_KEY",
                    "api_version": "2024-10-21",
                },
                "keyless": known | {"api_key_env": "NOT_SET_ANYWHERE"},
            },
            models={
                "mine": f"mine/{GPT}",
                "theirs": f"theirs/{CLAUDE}",
                "headed": f"headed/{GPT}",
                "az": "az/my-deployment",
                "keyless": f"keyless/{GPT}",
                "mine-then-ours": [f"mine/{GPT}", f"openai/{GPT}"],
                "ours-then-mine": [f"openai/{GPT}", f"mine/{GPT}"],
            },
        )
        yield Cast(openai, claude, gateway)


@pytest.fixture
def cast(standing_cast, world):
    standing_cast.openai.clear()
    standing_cast.claude.clear()
    yield standing_cast
    assert not standing_cast.openai.faults and not standing_cast.claude.faults


@pytest.fixture(scope="module")
def gateway(make_gateway):
    keys = [
        {"id": "alice", "sha256": digest(KEY), "tenant": "search"},
        {"id": "bob", "sha256": digest(OTHER).upper(), "tenant": "ads"},
    ]
    return make_gateway(keys=keys)


@pytest.mark.parametrize("style", ["authorization", "x-api-key"])
@pytest.mark.parametrize("client", DIALECTS)
def test_a_known_key_in_either_header(world, gateway, client, style):
    headers = {"authorization": f"Bearer {KEY}"} if style == "authorization" else {"x-api-key": KEY}
    answer = gateway.http.post(path_for(client), json=body_for(client, "gpt-then-claude"), headers=headers)
    assert answer.status_code == 200, answer.text
    line = gateway.audited(answer)
    assert (line["tenant"], line["key_id"]) == ("search", "alice")
    assert world.openai.last.header("authorization") == f"Bearer {world.openai.key}"
    assert KEY not in world.openai.last.text()


def test_the_second_key(world, gateway):
    answer = gateway.chat("gpt", key=OTHER)
    assert gateway.audited(answer)["tenant"] == "ads"
    assert gateway.metric("tollgate_requests", tenant="ads") >= 1


@pytest.mark.parametrize("key", [None, "", "tg-wrong", KEY + "x", KEY[:-1], "Bearer", digest(KEY)])
@pytest.mark.parametrize("client", DIALECTS)
def test_anything_else_is_401(world, gateway, client, key):
    answer = gateway.ask(client, "gpt", key=key)
    assert answer.status_code == 401
    error = error_of(client, answer.json())
    if client == ANTHROPIC:
        assert error["type"] == "authentication_error"
    else:
        assert error["code"] == "invalid_api_key"
    assert not world.openai.requests
    assert not key or len(key) < 3 or key not in answer.text


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt"])
def test_model_lists_want_a_key_too(gateway, path):
    assert gateway.http.get(path).status_code == 401
    assert gateway.http.get(path, headers={"authorization": f"Bearer {KEY}"}).status_code == 200


def test_liveness_wants_none(gateway):
    assert gateway.http.get("/health/live").status_code == 200


def test_refusals_are_audited_without_the_key(world, gateway):
    gateway.chat("gpt", key="tg-wrong-but-long-enough-to-search-for")
    line = gateway.audit_where(lambda one: one["status"] == 401)
    assert line.get("key_id") is None
    assert "tg-wrong-but-long" not in "".join(map(str, gateway.audit())) + gateway.log()


def test_key_new_mints_what_the_gateway_takes(make_gateway, world):
    done = tollgate("key", "new", "--id", "carol", "--tenant", "lab")
    assert done.returncode == 0, done.stderr
    # The key stands alone in its line; the rest, taken together, is a piece of gateway.yaml.
    lines = done.stdout.splitlines()
    key = next(line for line in lines if line and line[0] not in "# k-")
    entries = yaml.safe_load("\n".join(line for line in lines if line != key))["keys"]
    assert entries == [{"id": "carol", "tenant": "lab", "sha256": digest(key)}]
    gateway = make_gateway(keys=entries)
    assert gateway.chat("gpt", key=key).status_code == 200


def test_minted_keys_differ():
    assert tollgate("key", "new", "--id", "a").stdout != tollgate("key", "new", "--id", "a").stdout


def test_passthrough_of_an_openai_client(cast):
    assert cast.gateway.chat("mine", key="sk-of-the-client").status_code == 200
    assert cast.openai.last.header("authorization") == "Bearer sk-of-the-client"
    assert cast.gateway.chat("mine", key="sk-wrong").status_code == 401


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_passthrough_of_an_anthropic_client(cast, header):
    credential = "sk-ant-of-the-client" if header == "x-api-key" else "Bearer sk-ant-of-the-client"
    beta = {"anthropic-beta": "context-management-2025-06-27", "anthropic-version": "2023-01-01"}
    body = {"model": "theirs", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    answer = cast.gateway.http.post("/v1/messages", json=body, headers=beta | {header: credential})
    assert answer.status_code == 200, answer.text
    sent = cast.claude.last
    assert sent.header("anthropic-beta") == "context-management-2025-06-27"
    assert sent.header("anthropic-version") == "2023-01-01"
    assert sent.header(header) == credential


def test_a_clients_credential_goes_to_the_passthrough_provider_alone(cast, world):
    cast.openai.script(fail(503))
    assert cast.gateway.chat("mine-then-ours", key="sk-of-the-client").status_code == 200
    assert "sk-of-the-client" not in world.openai.last.text()
    world.openai.script(fail(503))
    assert cast.gateway.chat("ours-then-mine", key="sk-of-the-client").status_code == 200
    assert cast.openai.last.header("authorization") == "Bearer sk-of-the-client"
    assert world.openai.key not in cast.openai.last.text()
    assert "sk-of-the-client" not in world.openai.last.text()


def test_passthrough_across_dialects(cast):
    """A client's key in its own dialect's header, in the header the provider looks at."""
    assert cast.gateway.chat("theirs", key="sk-ant-of-the-client").status_code == 200
    assert cast.gateway.messages("mine", key="sk-of-the-client").status_code == 200


def test_the_newest_api_version_passes_with_the_clients_body(cast):
    """2026-10-21 knows no temperature: a forwarded version must not meet a parameter it refuses."""
    headers = {"anthropic-version": "2026-10-21", "authorization": "Bearer sk-ant-of-the-client"}
    body = {"model": "theirs", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    assert cast.gateway.http.post("/v1/messages", json=body, headers=headers).status_code == 200
    assert cast.claude.last.header("anthropic-version") == "2026-10-21"
    assert cast.gateway.chat("theirs", key="sk-ant-of-the-client", temperature=0.5).status_code == 200


def test_without_passthrough_nothing_of_the_client_gets_through(gateway, world):
    headers = {
        "x-api-key": KEY,
        "anthropic-beta": "some-beta-2025-01-01",
        "cookie": "session=secret-cookie",
        "x-tollgate-tenant": "evil",
        "x-envoy-max-retries": "9",
        "x-envoy-upstream-rq-per-try-timeout-ms": "1",
        "proxy-authorization": "Basic c2VjcmV0",
        "openai-organization": "org-of-the-client",
    }
    body = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    answer = gateway.http.post("/v1/messages", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    sent = world.claude.last
    for name in (
        "anthropic-beta",
        "cookie",
        "x-tollgate-tenant",
        "x-envoy-max-retries",
        "proxy-authorization",
        "openai-organization",
    ):
        assert sent.header(name) is None, name
    assert gateway.audited(answer)["tenant"] == "search"


def test_extra_headers_literal_and_from_the_environment(cast, world):
    assert cast.gateway.chat("headed").status_code == 200
    assert (world.openai.last.header("x-org"), world.openai.last.header("x-secret")) == ("team-a", "extra-3d2c1b")
    assert "extra-3d2c1b" not in cast.gateway.rendered.read_text()


@pytest.mark.parametrize("client", DIALECTS)
def test_azure(cast, world, client):
    answer = cast.gateway.ask(client, "az")
    assert answer.status_code == 200, answer.text
    last = world.openai.last
    assert (last.path, last.query) == ("/openai/deployments/my-deployment/chat/completions", "api-version=2024-10-21")
    assert last.header("api-key") == world.openai.key and last.header("authorization") is None


def test_a_provider_whose_key_is_not_set(cast):
    """The client learns of it without the provider getting a request it cannot place, or from the provider's 401."""
    answer = cast.gateway.chat("keyless")
    assert answer.status_code >= 400
    assert "NOT_SET_ANYWHERE" in answer.text + cast.gateway.log() or answer.status_code == 401
