"""What a key may do: its models, its end, and the master key; in each client's words."""

from __future__ import annotations

import pytest

from support.access import CLIENTS, ask, digest, model_names, refused

ALL, SOME, ALIAS, NONE, OVER, OFF, MASTER = (
    f"tg-{name}-8d969eef6ecad3c2"
    for name in ("all", "some", "alias", "none", "over", "off", "master")
)


@pytest.fixture(scope="module")
def gateway(make_gateway):
    def key(name, secret, **more):
        return {"id": name, "sha256": digest(secret), "tenant": "acme"} | more

    return make_gateway(
        master_key=digest(MASTER),
        keys=[
            key("all", ALL, team="search", project="ranker", expires="2999-01-01T00:00:00+02:00"),
            key("some", SOME, models=["gpt", "anthropic/claude-*", "any/gpt-4.1", "best"]),
            key("alias", ALIAS, models=["default"]),
            key("none", NONE, models=[]),
            key("over", OVER, expires="2020-02-29"),
            key("off", OFF, disabled=True),
        ],
    )


@pytest.mark.parametrize("client", CLIENTS)
def test_a_model_that_is_not_allowed_is_403(world, gateway, client):
    assert ask(gateway, client, "gpt", SOME).status_code == 200
    answer = ask(gateway, client, "claude", SOME)
    message = refused(client, answer, 403)
    assert "may not use the model `claude`" in message
    line = gateway.audited(answer)
    assert (line["key_id"], line["model_asked"], line["status"]) == ("some", "claude", 403)
    assert "provider" not in line and not world.claude.requests
    assert gateway.metric("tollgate_requests", tenant="acme", status="403") >= 1


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("key", "model", "status"),
    [
        (SOME, "best", 200),
        (SOME, "default", 200),  # the alias of a model that it may use
        (ALIAS, "default", 200),
        (ALIAS, "best", 403),  # an alias is only itself
        (SOME, "anthropic/claude-haiku-4-5", 200),
        (SOME, "anthropic/other", 403),
        (SOME, "any/gpt-4.1", 200),
        (SOME, "any/gpt-4.1-mini", 403),
        (NONE, "gpt", 403),
        (ALL, "claude", 200),
        (MASTER, "claude", 200),
    ],
)
def test_names_aliases_and_patterns(world, gateway, client, key, model, status):
    assert ask(gateway, client, model, key).status_code == status


@pytest.mark.parametrize("client", CLIENTS)
def test_an_unknown_model_is_404_with_names_that_this_key_may_use(world, gateway, client):
    for key, near, hidden in [(ALL, {"gpt", "mini"}, set()), (SOME, {"gpt"}, {"mini", "claude"})]:
        message = refused(client, ask(gateway, client, "gpt9", key), 404)
        assert "Did you mean: gpt" in message, message
        assert not any(name in message for name in hidden), message
        assert near & set(message.replace("?", "").replace(",", "").split())
    assert "Did you mean" not in refused(client, ask(gateway, client, "gpt9", NONE), 404)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_list_has_what_the_key_may_use(gateway, client):
    everything = model_names(gateway, client, ALL)
    assert {"gpt", "claude", "best"} <= everything and everything == model_names(gateway, client, MASTER)
    assert model_names(gateway, client, SOME) == {"gpt", "best", "any/gpt-4.1"}
    assert model_names(gateway, client, ALIAS) == {"default"}
    assert model_names(gateway, client, NONE) == set()


def test_one_model_and_ollamas_list(gateway):
    headers = {"authorization": f"Bearer {SOME}"}
    assert gateway.http.get("/v1/models/gpt", headers=headers).json()["id"] == "gpt"
    assert gateway.http.get("/v1/models/claude", headers=headers).status_code == 403
    tags = gateway.http.get("/api/tags", headers=headers).json()["models"]
    assert {model["name"] for model in tags} == {"gpt", "best", "any/gpt-4.1"}
    assert gateway.http.post("/api/show", json={"model": "claude"}, headers=headers).status_code == 403


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("key", "why"), [(OVER, "has expired"), (OFF, "is disabled")])
def test_a_key_that_is_over_is_401(world, gateway, client, key, why):
    assert why in refused(client, ask(gateway, client, "gpt", key), 401)
    assert not world.openai.requests


def test_who_asked_is_in_the_audit_line(world, gateway):
    answer = ask(gateway, "openai", "gpt", ALL, x_agent_type="coder", x_tenant="evil", x_user="evil")
    line = gateway.audited(answer)
    assert {name: line.get(name) for name in ("tenant", "key_id", "team", "project", "user", "agent")} == {
        "tenant": "acme",
        "key_id": "all",
        "team": "search",
        "project": "ranker",
        "user": None,
        "agent": "coder",
    }
    assert world.openai.last.header("x-agent-type") is None
    line = gateway.audited(ask(gateway, "openai", "gpt", MASTER))
    assert (line["key_id"], line.get("tenant")) == ("master", None)


def test_what_names_no_model_needs_a_key_for_all_of_them(gateway):
    """A batch's file may name any model of the provider's."""
    for path in ("/v1/files", "/v1/batches", "/v1/responses/resp_1"):
        answer = gateway.http.get(path, headers={"authorization": f"Bearer {SOME}"})
        assert "could be for any" in refused("openai", answer, 403)


def test_costs_by_project_and_agent(world, gateway):
    def charged(what, **labels):
        return gateway.metric(f"tollgate_charged_{what}", tenant="acme", project="ranker", agent="reviewer", **labels)

    before = [charged("requests"), charged("tokens", **{"class": "output"}), charged("microdollars")]
    lines = [gateway.audited(ask(gateway, "openai", "gpt", ALL, x_agent_type="reviewer")) for _ in range(3)]
    after = [charged("requests"), charged("tokens", **{"class": "output"}), charged("microdollars")]
    spent = [3, sum(line["usage"]["output"] for line in lines), sum(line["cost_usd"] for line in lines) * 1e6]
    assert [round(b - a) for a, b in zip(before, after)] == [round(number) for number in spent] and spent[2] > 1


def test_what_clients_call_themselves_is_bounded(world, gateway):
    """Each of the two workers tells a hundred agents apart; the stats of a flood of them end there."""
    for number in range(230):
        ask(gateway, "openai", "gpt", ALL, x_agent_type=f"flood-{number}", connection="close")
    agents = {tags.get("agent", "") for name, tags, _ in gateway.metrics() if name == "tollgate_charged_requests"}
    assert "other" in agents
    assert len(agents) <= 2 * 100 + 2
    line = gateway.audited(ask(gateway, "openai", "gpt", ALL, x_agent_type="flood-new"))
    assert line["agent"] == "flood-new", "the audit line has the name all the same"
