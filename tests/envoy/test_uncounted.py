"""What no budget can count is refused to whoever has one, unless the configuration lets it pass."""

from __future__ import annotations

import pytest

from support.answers import error_of

BUDGET = [{"name": "purse", "per": "global", "usd": 5, "every": "day"}]
BACKGROUND = {"model": "gpt", "input": "hi", "background": True}


@pytest.fixture
def counted(make_gateway, world):
    return make_gateway(budgets=BUDGET)


def test_no_answers_in_the_background(world, counted):
    answer = counted.http.post("/v1/responses", json=BACKGROUND)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == "background" and "purse" in answer.text
    line = counted.audited(answer)
    assert (line["status"], line["limited_by"]) == (400, "purse")
    assert counted.metric("tollgate_limited", reason="uncounted") >= 1
    assert counted.http.post("/v1/responses", json={**BACKGROUND, "background": False}).status_code == 200
    assert len(world.openai.requests) == 1


@pytest.mark.parametrize(("path", "dialect"), [("/v1/batches", "openai_chat"), ("/v1/messages/batches", "anthropic")])
def test_no_new_batches(world, counted, path, dialect):
    by = {"x-tollgate-provider": "openai" if dialect == "openai_chat" else "claude"}
    answer = counted.http.post(path, json={"requests": []}, headers=by)
    assert answer.status_code == 403, answer.text
    assert "purse" in error_of(dialect, answer.json())["message"]
    assert not world.openai.requests and not world.claude.requests


def test_the_configuration_may_let_them_pass(make_gateway, world):
    gateway = make_gateway(budgets=BUDGET, allow_uncounted=["batches", "background"])
    gateway.http.post("/v1/batches", json={"requests": []}, headers={"x-tollgate-provider": "openai"})
    assert [request.path for request in world.openai.requests] == ["/v1/batches"]
