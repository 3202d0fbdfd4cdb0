"""What time does: budgets begin anew, limits fill up again, keys end. In an Envoy whose wall clock the test moves."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import httpx
import pytest

from support.clock import Clock
from support.gateway import bearer, chat_body

# Budget, time zone, a few seconds before it begins anew, and when that is.
CALENDAR = [
    ("day", "Europe/Berlin", "2027-01-12T22:59:50Z", "2027-01-12T23:00:00Z"),
    ("day", "UTC", "2027-01-13T23:59:50Z", "2027-01-14T00:00:00Z"),
    # The day on which the clocks are put forward has 23 hours.
    ("day", "America/New_York", "2027-03-15T03:59:50Z", "2027-03-15T04:00:00Z"),
    ("week", "Asia/Kolkata", "2027-04-04T18:29:50Z", "2027-04-04T18:30:00Z"),
    ("month", "Australia/Sydney", "2027-04-30T13:59:50Z", "2027-04-30T14:00:00Z"),
    ("month", "UTC", "2028-02-29T23:59:50Z", "2028-03-01T00:00:00Z"),
    ("6h", "Europe/Berlin", "2028-07-01T03:59:50Z", "2028-07-01T04:00:00Z"),
    ("12h", "UTC", "2028-07-02T11:59:50Z", "2028-07-02T12:00:00Z"),
]
FLOWS = [("3/s", 1), ("3/m", 20), ("3/h", 1200), ("3/d", 28800)]


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


def key(name, **more):
    return {"id": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), **more}


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def gateway(make_gateway, clock):
    keys = [
        key(f"calendar-{n}", budgets=[{"tokens": 60, "every": every, "time_zone": zone, "name": f"calendar {n}"}])
        for n, (every, zone, _, _) in enumerate(CALENDAR)
    ]
    keys += [key(f"flow-{n}", limits=[{"requests": flow, "name": f"flow {n}"}]) for n, (flow, _) in enumerate(FLOWS)]
    keys += [
        key("rolling", budgets=[{"tokens": 100, "every": "12h", "rolling": True, "name": "rolling"}]),
        key("tokens", limits=[{"tokens": "600/m", "name": "tokens"}]),
        key("ends", expires="2028-08-01T10:00:00Z"),
    ]
    return make_gateway(env=clock.env, keys=keys)


def ask(gateway, name, **more):
    """On a connection of its own: the kernel spreads connections over the workers."""
    with httpx.Client(base_url=gateway.url, timeout=30) as http:
        return http.post("/v1/chat/completions", json=chat_body("gpt", "hi", **more), headers=bearer(secret(name)))


def standing(gateway, name):
    answer = gateway.http.get("/v1/budget", headers=bearer(secret(name))).json()
    (entry,) = answer["budgets"] + answer["limits"]
    return entry


def seconds(moment):
    return datetime.fromisoformat(moment).astimezone(UTC).timestamp()


@pytest.mark.parametrize("number", range(len(CALENDAR)), ids=[f"{every} {zone}" for every, zone, _, _ in CALENDAR])
def test_a_budget_begins_anew_with_its_calendar(gateway, world, clock, number):
    _, _, before, reset = CALENDAR[number]
    name = f"calendar-{number}"
    clock.go_to(before)
    assert ask(gateway, name, max_tokens=40).status_code == 200
    spent = standing(gateway, name)["spent"]
    assert spent > 0
    refused = ask(gateway, name, max_tokens=59)
    assert refused.status_code == 429
    assert f"resets at {reset}" in refused.json()["error"]["message"]
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert standing(gateway, name)["resets_at"] == reset
    clock.go_to(reset)
    clock.pass_by(1)
    assert standing(gateway, name)["spent"] == 0
    assert [ask(gateway, name, max_tokens=40).status_code for _ in range(2)] == [200, 200]
    assert standing(gateway, name)["spent"] == 2 * spent, "the new one counts alone"
    assert seconds(standing(gateway, name)["resets_at"]) > seconds(reset)


def test_a_rolling_budget_forgets_by_and_by(gateway, world, clock):
    clock.go_to("2028-07-10T00:30:00Z")
    assert ask(gateway, "rolling", max_tokens=40).status_code == 200
    one = standing(gateway, "rolling")["spent"]
    clock.pass_by(6 * 3600)
    assert ask(gateway, "rolling", max_tokens=40).status_code == 200
    assert standing(gateway, "rolling")["spent"] == 2 * one
    clock.pass_by(6 * 3600 - 60)
    assert standing(gateway, "rolling")["spent"] == 2 * one, "what came within its length counts"
    clock.pass_by(3600 + 120)
    assert standing(gateway, "rolling")["spent"] == one, "at most a twelfth longer"
    assert ask(gateway, "rolling", max_tokens=95 - one).status_code == 429
    clock.pass_by(6 * 3600)
    assert standing(gateway, "rolling")["spent"] == 0
    assert ask(gateway, "rolling", max_tokens=80).status_code == 200


@pytest.mark.parametrize("number", range(len(FLOWS)), ids=[flow for flow, _ in FLOWS])
def test_a_bucket_fills_evenly(gateway, world, clock, number):
    """Three at once after a pause; then one for each third of the time."""
    name, each = f"flow-{number}", FLOWS[number][1]
    clock.go_to(f"2028-07-2{number}T12:00:00Z")
    assert [ask(gateway, name).status_code for _ in range(3)] == [200] * 3
    if each > 1:
        refused = ask(gateway, name)
        assert refused.status_code == 429
        assert each - 15 <= int(refused.headers["retry-after"]) <= each
        clock.pass_by(each)
        assert [ask(gateway, name).status_code for _ in range(2)] == [200, 429]
    clock.pass_by(3 * each + 1)
    assert standing(gateway, name)["remaining"] == 3
    assert [ask(gateway, name).status_code for _ in range(3)] == [200] * 3


def test_tokens_flow_back(gateway, world, clock):
    clock.go_to("2028-07-28T12:00:00Z")
    assert ask(gateway, "tokens", max_tokens=100).status_code == 200
    left = standing(gateway, "tokens")["remaining"]
    assert left < 600
    assert ask(gateway, "tokens", max_tokens=595).status_code == 429
    clock.pass_by(61)
    assert standing(gateway, "tokens")["remaining"] == 600
    assert ask(gateway, "tokens", max_tokens=580).status_code == 200


def test_a_key_ends_at_its_time(gateway, world, clock):
    clock.go_to("2028-08-01T09:59:30Z")
    assert [ask(gateway, "ends").status_code for _ in range(4)] == [200] * 4
    clock.pass_by(31)
    answers = [ask(gateway, "ends") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert "has expired" in answers[0].json()["error"]["message"]
