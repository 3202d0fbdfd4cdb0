"""Budgets and limits by everything that they can count by: each refuses on its own, and nobody else is refused with it."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from support.gateway import bearer, chat_body
from support.world import CLAUDE, GPT

MASTER = "tg-master-0a1b2c3d4e5f"
PRICES = {name: {"input": 2.0, "output": 8.0} for name in (GPT, "gpt-4.1", "gpt-5-mini")} | {
    CLAUDE: {"input": 3.0, "output": 15.0}
}
# Enough for one request, and not for a second beside what the first has used.
ONCE = {"tokens": 60, "every": "day"}
TWICE = {"requests": "2/d"}
SCOPES = ["key", "tenant", "team", "project", "user", "agent", "model", "provider", "global"]


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


def key(name, **more):
    return {"id": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), **more}


def config(kind):
    """A rule for each scope, each for one value alone."""
    terms = ONCE if kind == "budgets" else TWICE
    only = {
        "key": {"key": ["k-key"]},
        "tenant": {"tenant": ["t-tenant"]},
        "team": {"team": ["g-team"]},
        "project": {"project": ["p-project"]},
        "user": {"user": ["u-user"]},
        "agent": {"agent": ["a-agent"]},
        "model": {"model": ["m-model"]},
        "provider": {"provider": ["second"], "model": ["m-provider"]},
        "global": {"model": ["m-global", "m-global-too"]},
    }
    rules = [{"name": f"of {per}", "per": per, "only": only[per], **terms} for per in SCOPES]
    keys = [
        key("k-key"),
        key("of-tenant", tenant="t-tenant"),
        key("also-tenant", tenant="t-tenant"),
        key("of-team", tenant="t", team="g-team"),
        key("also-team", tenant="t", team="g-team"),
        key("of-project", tenant="t", project="p-project"),
        key("also-project", tenant="t", project="p-project"),
        key("plain", tenant="t-plain", team="g", project="p"),
        key("plain-too", tenant="t-plain"),
    ]
    models = {name: f"openai/{GPT}" for name in ("m-model", "m-global", "m-global-too")}
    return {
        "keys": keys,
        "master_key": hashlib.sha256(MASTER.encode()).hexdigest(),
        "identity": {"headers": {"user": "x-user"}},
        "prices": PRICES,
        "models": models | {"m-provider": "second/gpt-4.1"},
        kind: rules,
    }


@pytest.fixture(scope="module", params=["budgets", "limits"])
def gateway(request, make_gateway):
    made = make_gateway(**config(request.param))
    made.kind = request.param
    return made


# Who uses it up, who is refused then, and who is not.
CASES = {
    "key": (("k-key", "gpt", {}), ("k-key", "claude", {}), ("plain", "gpt", {})),
    "tenant": (("of-tenant", "gpt", {}), ("also-tenant", "claude", {}), ("plain", "gpt", {})),
    "team": (("of-team", "gpt", {}), ("also-team", "gpt", {}), ("plain", "gpt", {})),
    "project": (("of-project", "gpt", {}), ("also-project", "gpt", {}), ("plain", "gpt", {})),
    "user": (("plain", "gpt", {"x-user": "u-user"}), ("plain", "claude", {"x-user": "u-user"}), ("plain", "gpt", {"x-user": "u"})),
    "agent": (
        ("plain", "gpt", {"x-agent-type": "a-agent"}),
        ("plain-too", "gpt", {"x-agent-type": "a-agent"}),
        ("plain", "gpt", {"x-agent-type": "a"}),
    ),
    "model": (("plain", "m-model", {}), ("plain-too", "m-model", {}), ("plain", "gpt", {})),
    "provider": (("plain", "m-provider", {}), ("plain-too", "m-provider", {}), ("plain", "gpt", {})),
    "global": (("plain", "m-global", {}), ("plain-too", "m-global-too", {}), ("plain", "gpt", {})),
}  # fmt: skip


def ask(gateway, who, model, headers, tokens=45):
    """On a connection of its own: the kernel spreads connections over the workers."""
    sent = bearer(secret(who) if who != "master" else MASTER) | headers
    with httpx.Client(base_url=gateway.url, timeout=30) as http:
        return http.post("/v1/chat/completions", json=chat_body(model, "hi", max_tokens=tokens), headers=sent)


@pytest.mark.parametrize("per", SCOPES)
def test_each_refuses_by_itself(gateway, world, per):
    uses, refused, spared = CASES[per]
    assert ask(gateway, *uses).status_code == 200
    if gateway.kind == "limits":
        assert ask(gateway, *uses).status_code == 200
    answer = ask(gateway, *refused, tokens=58)
    assert answer.status_code == 429, answer.text
    assert f"`of {per}`" in answer.json()["error"]["message"]
    code = "insufficient_quota" if gateway.kind == "budgets" else "rate_limit_exceeded"
    assert answer.json()["error"]["code"] == code
    assert int(answer.headers["retry-after"]) > 0
    assert gateway.audited(answer)["limited_by"] == f"of {per}"
    assert ask(gateway, *spared, tokens=58).status_code == 200
    reason = "budget" if gateway.kind == "budgets" else "requests"
    assert gateway.metric("tollgate_limited", scope=per, reason=reason) >= 1


def page(gateway, query, key=MASTER):
    answer = gateway.http.get(f"/v1/budget{query}", headers=bearer(key))
    return answer.status_code, answer.json()


# Whoever asks for no model sees what is for some alone as well, as on a page of their own.
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?key_id=k-key", {"of key", "of global"}),
        ("?tenant=t-tenant", {"of tenant", "of global"}),
        ("?tenant=t&team=g-team", {"of team", "of global"}),
        ("?tenant=t&project=p-project", {"of project", "of global"}),
        ("?user=u-user", {"of user", "of global"}),
        ("?agent=a-agent", {"of agent", "of global"}),
        ("?model=m-model", {"of model"}),
        ("?model=m-provider&provider=second", {"of provider"}),
        ("?model=m-global-too", {"of global"}),
    ],
)
def test_the_master_key_sees_everybodys(gateway, world, query, names):
    status, found = page(gateway, query)
    assert status == 200 and {entry["name"] for entry in found[gateway.kind]} == names, found
    assert page(gateway, query, secret("plain"))[0] == 403


def test_a_word_that_means_nothing(gateway, world):
    status, answer = page(gateway, "?tennant=t")
    assert (status, answer["error"]["param"]) == (400, "tennant")


def test_the_master_key_has_nothing_of_its_own(gateway, world):
    _, found = page(gateway, "")
    assert {entry["per"] for kind in ("budgets", "limits") for entry in found[kind]}.isdisjoint({"key", "tenant"})


def test_a_key_that_there_is_not(gateway, world):
    assert page(gateway, "?key_id=nobody")[0] == 404


def test_the_master_key_is_counted_by_none(gateway, world):
    """It asks for what is used up for everybody else."""
    for model in ("m-model", "m-global"):
        _, before = page(gateway, f"?model={model}")
        assert ask(gateway, "master", model, {}, tokens=100).status_code == 200
        _, after = page(gateway, f"?model={model}")
        fields = ("name", "spent", "remaining") if gateway.kind == "budgets" else ("name",)
        assert [[e[f] for f in fields] for e in after[gateway.kind]] == [[e[f] for f in fields] for e in before[gateway.kind]]
