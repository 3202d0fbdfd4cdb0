"""Who asks, by headers that something in front of the gateway sets."""

from __future__ import annotations

import pytest
import yaml

from support.access import CLIENTS, ask, digest, refused
from support.gateway import tollgate

KEY = "tg-shared-18ac3e7343f01689"
WHO = ("tenant", "team", "project", "user", "agent")


@pytest.fixture(scope="module")
def gateway(make_gateway):
    names = {"tenant": "X-Tenant", "project": "x-project", "user": "x-user", "agent": "x-kind"}
    return make_gateway(
        keys=[{"id": "shared", "sha256": digest(KEY), "project": "of-the-key"}],
        identity={"headers": names | {"replaces_key": True}, "models": ["gpt"]},
    )


@pytest.mark.parametrize("client", CLIENTS)
def test_trusted_headers_say_who_asks(world, gateway, client):
    headers = {"x_tenant": "acme", "x_project": "own", "x_team": "never named", "x_user": "zoe", "x_kind": "coder"}
    answer = ask(gateway, client, "gpt", x_agent_type="another", **headers)
    assert answer.status_code == 200, answer.text
    line = gateway.audited(answer)
    assert [line.get(name) for name in WHO] == ["acme", None, "own", "zoe", "coder"]
    sent = world.openai.last
    assert not [name for name in headers if sent.header(name.replace("_", "-"))], sent.headers
    refused(client, ask(gateway, client, "claude", **headers), 403)
    line = gateway.audited(ask(gateway, client, "claude", KEY, **headers))
    assert [line.get(name) for name in WHO] == ["acme", None, "of-the-key", "zoe", "coder"]


@pytest.mark.parametrize("client", CLIENTS)
def test_without_them_a_key_is_needed(gateway, client):
    refused(client, ask(gateway, client, "gpt"), 401)
    refused(client, ask(gateway, client, "gpt", x_project="alone", x_kind="coder"), 401)
    refused(client, ask(gateway, client, "gpt", x_tenant="a;tenant=b"), 401)


def test_a_header_twice_is_refused(world, gateway):
    """Something in front that adds rather than sets would leave the client's own in place."""
    headers = [("x-tenant", "evil"), ("x-tenant", "acme"), ("content-type", "application/json")]
    answer = gateway.http.post("/v1/chat/completions", content=b"{}", headers=headers)
    assert answer.status_code == 400 and "x-tenant is there more than once" in answer.text
    assert not world.openai.requests


def test_headers_that_are_not_named_are_nobodys_word(make_gateway, world):
    gateway = make_gateway(keys=[{"id": "k", "sha256": digest(KEY)}])
    headers = {f"x_{name}": "evil" for name in WHO} | {"x_agent_type": "coder", "x_tollgate_tenant": "evil"}
    line = gateway.audited(ask(gateway, "openai", "gpt", KEY, **headers))
    assert [line.get(name) for name in WHO] == [None, None, None, None, "coder"]
    refused("openai", ask(gateway, "openai", "gpt", **headers), 401)


def test_such_a_header_cannot_be_let_through_to_a_provider(tmp_path):
    config = {
        "models": {"a": "ollama/a"},
        "providers": {"ollama": {"forward_headers": ["X-User", "x-agent-type", "x-other"]}},
        "identity": {"headers": {"user": "x-user"}},
    }
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(config))
    done = tollgate("render", "--config", str(path))
    for index in (0, 1):
        assert f"providers.ollama.forward_headers[{index}]: says who asks" in done.stderr
    assert "forward_headers[2]" not in done.stderr
