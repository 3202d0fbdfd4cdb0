"""Rules: what a request is and who sends it decides which model answers."""

from __future__ import annotations

import hashlib

import pytest

from support.answers import DIALECTS
from support.gateway import body_for, path_for, tollgate

KEYS = {"gold": "sk-gold-1f0e3dad9990", "plain": "sk-plain-6f4922f45568"}


@pytest.fixture(scope="module")
def gate(make_gateway):
    models = {name: f"openai/gpt-4o-{name}" for name in ("coding", "research", "long", "seeing", "tools", "gold")}
    models |= {"big": "openai/gpt-4o-big", "middle": "openai/gpt-4o-middle", "small": "openai/gpt-4o-small"}
    models |= {"thinking": "openai/gpt-5-thinking", "any-*": "openai/*"}
    rules = [
        {"name": "coders", "when": "agent == 'coder'", "model": "coding"},
        {"name": "pinned", "when": "'x-research' in headers && headers['x-research'] == 'yes'", "model": "research"},
        {"name": "opus", "when": "model.contains('opus')", "model": "big"},
        {"name": "sonnet", "when": "model.contains('sonnet')", "model": "middle"},
        {"name": "haiku", "when": "model.contains('haiku')", "model": "small"},
        {"name": "pictures", "when": "images", "model": "seeing"},
        {"name": "thinkers", "when": "thinking", "model": "thinking"},
        {"name": "tools", "when": "tools && !stream", "model": "tools"},
        {"name": "long", "when": "tokens > 2000", "model": "any-gpt-4o-long"},
        {"name": "undecided", "when": "headers['x-none'] == 'x'", "model": "gpt"},
        {"name": "tier", "when": "has(key.metadata.tier) && key.metadata.tier == 'gold'", "model": "gold"},
    ]
    keys = [
        {"id": "gold", "sha256": digest(KEYS["gold"]), "tenant": "acme", "metadata": {"tier": "gold"}},
        {"id": "plain", "sha256": digest(KEYS["plain"])},
    ]
    return make_gateway(
        models=models, rules=rules, keys=keys, identity={"headers": {"agent": "x-agent-type"}}
    )


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()


def routed(gate, client, model, messages="hi", key="plain", headers=None, **more):
    body = body_for(client, model, messages) | more
    sent = {"authorization": f"Bearer {KEYS[key]}", "anthropic-version": "2023-06-01"} | (headers or {})
    answer = gate.http.post(path_for(client), json=body, headers=sent)
    assert answer.status_code == 200, answer.text
    line = gate.audited(answer)
    return line["model"], line.get("routed_by", {}).get("rule")


@pytest.fixture(params=DIALECTS)
def client(request):
    return request.param


def test_agents_and_headers(gate, world, client):
    assert routed(gate, client, "gpt", headers={"x-agent-type": "coder"}) == ("gpt-4o-coding", "coders")
    assert routed(gate, client, "gpt", headers={"x-agent-type": "writer"}) == ("gpt-4o", None)
    assert routed(gate, client, "gpt", headers={"x-research": "yes"}) == ("gpt-4o-research", "pinned")


@pytest.mark.parametrize(
    ("asked", "model", "rule"),
    [
        ("claude-opus-4-1", "gpt-4o-big", "opus"),
        ("claude-sonnet-4-5", "gpt-4o-middle", "sonnet"),
        ("claude-3-5-haiku-latest", "gpt-4o-small", "haiku"),
    ],
)
def test_model_tiers(gate, world, client, asked, model, rule):
    assert routed(gate, client, asked) == (model, rule)


def test_what_a_request_makes_use_of(gate, world):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, picture]}]
    assert routed(gate, "openai_chat", "gpt", messages) == ("gpt-4o-seeing", "pictures")
    assert routed(gate, "openai_chat", "gpt", 'say "image_url"') == ("gpt-4o", None)
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    assert routed(gate, "openai_chat", "gpt", tools=[tool]) == ("gpt-4o-tools", "tools")
    assert routed(gate, "openai_chat", "gpt", tools=[tool], stream=True) == ("gpt-4o", None)
    assert routed(gate, "openai_chat", "gpt", "word " * 5000) == ("gpt-4o-long", "long")
    thinking = {"type": "enabled", "budget_tokens": 1024}
    assert routed(gate, "anthropic", "gpt", thinking=thinking, max_tokens=2048) == ("gpt-5-thinking", "thinkers")


def test_keys_say_something_about_themselves(gate, world, client):
    assert routed(gate, client, "gpt", key="gold") == ("gpt-4o-gold", "tier")
    assert routed(gate, client, "gpt", key="plain") == ("gpt-4o", None)


def test_what_cannot_be_decided_is_counted_and_logged_once(gate, world, client):
    before = gate.metric("tollgate_rule_errors", **{"class": "undecided"})
    for _ in range(3):
        assert routed(gate, client, "gpt") == ("gpt-4o", None)
    assert gate.metric("tollgate_rule_errors", **{"class": "undecided"}) == before + 3
    said = [line for line in gate.log().splitlines() if "rule `undecided` could not be decided" in line]
    assert 1 <= len(said) <= 2, "once for each worker"
    assert gate.metric("tollgate_routed", **{"class": "coders"}) >= 0


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"when": "agent ==", "model": "m"}, "rules[0].when: line 1 column "),
        ({"when": "agnet == 'x'", "model": "m"}, "rules[0].when: nothing is known of `agnet`"),
        ({"when": "model.startWith('gpt')", "model": "m"}, "rules[0].when: there is no function `startWith`"),
        ({"when": "tokens > 'x'", "model": "m"}, "rules[0].when: `>` does not go with int and string"),
        ({"when": "tokens", "model": "m"}, "rules[0].when: has the type int: neither true nor false"),
        ({"when": "true", "model": "n"}, "rules[0].model: there is no model `n`"),
    ],
)
def test_bad_rules_are_refused_with_their_place(rule, said, tmp_path):
    import yaml

    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump({"models": {"m": "openai/gpt-4o"}, "rules": [rule]}))
    done = tollgate("check", "--config", str(path))
    assert done.returncode != 0
    assert said in done.stderr + done.stdout
