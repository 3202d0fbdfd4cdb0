"""Counters of a fleet in Redis, behind webdis: several Envoys, restarts, a Redis that goes and comes back."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import yaml

from support.answers import DIALECTS
from support.gateway import Gateway, bearer, chat_body
from support.sim import stream
from support.sim.behaviour import Gate
from support.world import GPT, SECRETS, dead_port

PRICES = {name: {"input": 2.0, "output": 8.0} for name in (GPT, "gpt-4o-2024-08-06")}
NAMES = ("purse", "roll", "ten", "crowd", "bound", "heir", "heirs", "restart", "ring", "cold", "storm", "storm2", "lone", "plain")
# Every token costs whole millionths of a dollar: sums are equal, or they are wrong.
BUDGETS = [
    {
        "name": "purse",
        "per": "tenant",
        "usd": 0.002,
        "every": "month",
        "only": {"tenant": ["purse", "restart", "cold"]},
    },
    {"name": "ring", "per": "tenant", "usd": 0.002, "every": "12h", "rolling": True, "only": {"tenant": ["ring"]}},
    {"name": "storm", "per": "tenant", "usd": 1000, "every": "month", "only": {"tenant": ["storm*", "lone", "heir"]}},
]
LIMITS = [
    {"name": "ten", "per": "tenant", "requests": "10/d", "only": {"tenant": ["ten"]}},
    {"name": "bound", "per": "tenant", "requests": "150/d", "only": {"tenant": ["bound"]}},
    {"name": "heirs", "per": "tenant", "concurrent": 2, "only": {"tenant": ["heirs"]}},
    {"name": "crowd", "per": "tenant", "concurrent": 2, "only": {"tenant": ["crowd"]}},
]


def secret(name):
    return f"tg-{name}-" + hashlib.md5(name.encode()).hexdigest()


KEYS = [{"id": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), "tenant": name} for name in NAMES] + [
    {"id": "nobody", "sha256": hashlib.sha256(secret("nobody").encode()).hexdigest()}
]
# A key of a file, with a budget of its own.
FILED = [
    {
        "id": "filed",
        "sha256": hashlib.sha256(secret("filed").encode()).hexdigest(),
        "budgets": [{"name": "filed", "usd": 0.002, "every": "month"}],
    }
]


@pytest.fixture(scope="module")
def launch(standing_world, tmp_path_factory):
    """Starts Envoys of one configuration, as many as are wanted."""
    running = []
    keys_file = tmp_path_factory.mktemp("keys") / "keys.yaml"
    keys_file.write_text(yaml.safe_dump({"keys": FILED}))

    def start(redis, env=None, **more):
        state = {"redis": {"address": redis if isinstance(redis, str) else redis.address, "every": "100ms", **more}}
        config = standing_world.config(
            prices=PRICES, keys=KEYS, keys_file=str(keys_file), budgets=BUDGETS, limits=LIMITS, state=state
        )
        gateway = Gateway(config, tmp_path_factory.mktemp("envoy"), SECRETS | (env or {}))
        running.append(gateway)
        return gateway

    yield start
    for gateway in running:
        try:
            if gateway.envoy.process.poll() is None:
                gateway.assert_sound()
        finally:
            gateway.stop()


@pytest.fixture(scope="module")
def redis(make_redis):
    return make_redis()


@pytest.fixture(scope="module")
def pair(launch, redis):
    """Two Envoys over one Redis."""
    return launch(redis), launch(redis)


def ask(gateway, who, **more):
    return gateway.chat("gpt", "one two three", key=secret(who), max_tokens=50, **more)


def budgets(gateway, who):
    answer = gateway.http.get("/v1/budget", headers=bearer(secret(who))).json()
    return {entry["name"]: entry for entry in answer["budgets"] + answer["limits"]}


def spent(gateway, who):
    """What a tenant has spent, in millionths of a dollar, as this Envoy knows it."""
    (entry,) = budgets(gateway, who).values()
    return round(entry["spent"] * 1_000_000)


def paid(*gateways, who):
    """What answers cost, in millionths of a dollar, by the audit."""
    lines = [line for gateway in gateways for line in gateway.audit() if line.get("tenant") == who]
    return sum(round(line.get("cost_usd", 0) * 1_000_000) for line in lines)


def until(what, check, timeout=20.0):
    """Waits for a state that comes by itself."""
    end = time.monotonic() + timeout
    while not (value := check()):
        assert time.monotonic() < end, f"never: {what()}" if callable(what) else f"never: {what}"
        time.sleep(0.02)
    return value


def known(gateway, who, amount):
    until(lambda: f"{spent(gateway, who)} is not {amount}", lambda: spent(gateway, who) == amount)


# -- one budget, one limit ----------------------------------------------------------------------------------------------


def test_two_envoys_share_one_budget(world, pair):
    each = paid_once(pair[0], "purse")
    total, turn = each, 1
    while True:
        gateway = pair[turn % 2]
        known(gateway, "purse", total)
        answer = ask(gateway, "purse")
        if answer.status_code == 429:
            break
        assert answer.status_code == 200
        gateway.audited(answer)
        total, turn = total + each, turn + 1
        assert total <= 2_000
    # What is left is less than one request may take; neither lets one through.
    for gateway in pair:
        known(gateway, "purse", total)
        refused = ask(gateway, "purse")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
    assert turn > 10 and paid(*pair, who="purse") == total


def test_a_filed_keys_own_budget_is_shared(world, pair, redis):
    first, second = pair
    total = 0
    while (answer := ask(first, "filed")).status_code == 200:
        total += round(first.audited(answer)["cost_usd"] * 1_000_000)
    assert answer.status_code == 429 and total > 0, answer.text
    until("written", lambda: sum(redis.totals("tollgate:*:filed:filed").values()) == total * 1_000_000)
    known(second, "filed", total)
    assert ask(second, "filed").status_code == 429


def paid_once(gateway, who):
    line = gateway.audited(ask(gateway, who))
    return round(line["cost_usd"] * 1_000_000)


def test_two_envoys_share_one_limit(world, pair):
    first, second = pair
    assert [ask(first, "ten").status_code for _ in range(6)] == [200] * 6
    # The other has never heard of this tenant; it asks before it lets the first request through.
    until(lambda: budgets(second, "ten"), lambda: budgets(second, "ten")["ten"]["remaining"] == 4)
    assert [ask(second, "ten").status_code for _ in range(5)] == [200] * 4 + [429]
    until(lambda: budgets(first, "ten"), lambda: budgets(first, "ten")["ten"]["remaining"] == 0)
    assert ask(first, "ten").status_code == 429


def test_requests_under_way_elsewhere_take_their_places(world, pair):
    first, second = pair
    gate = Gate()
    world.openai.always(stream(gate=gate))
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(ask, first, "crowd") for _ in range(2)]
        try:
            until("the other Envoy knows of both", lambda: budgets(second, "crowd")["crowd"]["under_way"] == 2)
            assert ask(second, "crowd").status_code == 429
        finally:
            gate.open()
        assert [one.result().status_code for one in waiting] == [200, 200]
    until("they are over", lambda: budgets(second, "crowd")["crowd"]["under_way"] == 0)
    assert ask(second, "crowd").status_code == 200


def test_how_far_two_can_go_over_is_bounded(world, pair):
    """Both are asked as fast as it goes: from an exchange after the limit was reached, neither lets anybody through."""
    admitted, refused = [], []

    def hammer(n):
        gateway = pair[n % 2]
        with httpx.Client(base_url=gateway.url, timeout=30) as http:
            for _ in range(400):
                began = time.monotonic()
                answer = http.post("/v1/chat/completions", json=chat_body("gpt"), headers=bearer(secret("bound")))
                (admitted if answer.status_code == 200 else refused).append((began, n % 2))
                if len(refused) > 400:
                    return
                time.sleep(0.01)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hammer, range(8)))
    assert {gateway for _, gateway in admitted} == {gateway for _, gateway in refused} == {0, 1}
    admitted.sort()
    assert len(admitted) >= 150
    # An interval of 100 ms and a round trip; the rest is what a busy machine may add.
    reached = admitted[149][0]
    late = [began - reached for began, _ in admitted[150:]]
    assert not late or late[-1] < 2.0, late
    for gateway in pair:
        assert ask(gateway, "bound").status_code == 429


# -- starts and restarts ------------------------------------------------------------------------------------------------


def test_when_one_dies_the_other_takes_over(world, launch, redis, pair):
    """Killed with requests under way: what it had spent counts on, and its places are free again after a while."""
    first, second = launch(redis), pair[1]
    spent_there = sum(paid_once(first, "heir") for _ in range(3))
    gate = Gate()
    with ThreadPoolExecutor(2) as pool:
        world.openai.always(stream(gate=gate))
        waiting = [pool.submit(ask, first, "heirs") for _ in range(2)]
        until("the other Envoy knows of both", lambda: budgets(second, "heirs")["heirs"]["under_way"] == 2)
        known(second, "heir", spent_there)
        first.envoy.process.kill()
        gate.open()
        for one in waiting:
            with pytest.raises(httpx.HTTPError):
                one.result()
    world.openai.always(None)
    assert ask(second, "heirs").status_code == 429, "nobody knows yet that it is dead"
    assert paid_once(second, "heir") > 0
    until("its places are free", lambda: ask(second, "heirs").status_code == 200, 30)
    assert spent(second, "heir") > spent_there, "what the dead one spent counts"


def test_a_restart_keeps_budgets(world, launch, redis):
    """One of a month by the calendar, and one of the last twelve hours."""
    gateway = launch(redis)
    rules, totals = {"restart": "purse", "ring": "ring"}, {"restart": 0, "ring": 0}
    for who, rule in rules.items():
        while (answer := ask(gateway, who)).status_code == 200:
            totals[who] += round(gateway.audited(answer)["cost_usd"] * 1_000_000)
        written = f"tollgate:*:{rule}:{who}"
        until(lambda: redis.totals(written), lambda: sum(redis.totals(written).values()) == totals[who] * 1_000_000)
    gateway.stop()
    again = launch(redis)
    for who, total in totals.items():
        # The very first request: it waits for what Redis knows, and is refused.
        assert ask(again, who).status_code == 429
        known(again, who, total)


def test_a_cold_start_may_go_by_what_it_knows_itself(world, launch, redis, pair):
    first = pair[0]
    while ask(first, "cold").status_code == 200:
        pass
    total = spent(first, "cold")
    until("written", lambda: sum(redis.totals("tollgate:*:purse:cold").values()) == total * 1_000_000)
    hasty = launch(redis, on_start="local", every="1m")
    # It has read nothing, and will not for a minute: it knows of no spending but its own.
    assert ask(hasty, "cold").status_code == 200


# -- Redis goes and comes back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("keep", "who"), [(True, "storm"), (False, "storm2")])
def test_nothing_is_lost_when_redis_comes_back(world, launch, make_redis, keep, who):
    """Killed under traffic and started again, with its data or without."""
    redis = make_redis(keep=keep)
    gateways = [launch(redis), launch(redis)]
    stop, asked = threading.Event(), [0, 0]

    def traffic(n):
        gateway = gateways[n % 2]
        while not stop.is_set():
            assert ask(gateway, who).status_code == 200
            asked[n % 2] += 1

    def come_to(more):
        goal = [n + more for n in asked]
        until("traffic", lambda: all(n >= g for n, g in zip(asked, goal, strict=True)))

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(traffic, n) for n in range(4)]
        try:
            come_to(10)
            for _ in range(2):
                redis.kill()
                until("they notice", lambda: all(g.metric("tollgate_fleet_up") == 0 for g in gateways))
                come_to(10)
                redis.start()
                until("they notice", lambda: all(g.metric("tollgate_fleet_up") == 1 for g in gateways))
                come_to(10)
        finally:
            stop.set()
        for one in running:
            one.result()
    until("all are audited", lambda: sum(len(tenant(g, who)) for g in gateways) == sum(asked))
    total = paid(*gateways, who=who)
    assert total > 0
    pattern = f"tollgate:*:storm:{who}"
    until(lambda: (redis.totals(pattern), total), lambda: sum(redis.totals(pattern).values()) == total * 1_000_000)
    for gateway in gateways:
        known(gateway, who, total)


def tenant(gateway, who):
    return [line for line in gateway.audit() if line.get("tenant") == who and line["status"] == 200]


@pytest.fixture(scope="module")
def deserted():
    """Where no webdis is."""
    return f"127.0.0.1:{dead_port()}"


def down(gateway):
    return gateway.http.get("/health").json()["fleet"]["status"] == "down"


def test_without_redis_each_counts_for_itself(world, launch, deserted):
    gateway = launch(deserted)
    total = sum(round(gateway.audited(ask(gateway, "lone"))["cost_usd"] * 1_000_000) for _ in range(3))
    assert spent(gateway, "lone") == total
    until("the health page says so", lambda: down(gateway))
    page = gateway.http.get("/health").json()
    assert page["status"] == "degraded" and "webdis" in page["fleet"]["error"]
    assert gateway.metric("tollgate_fleet_up") == 0
    until("failures are counted", lambda: gateway.metric("tollgate_fleet_exchanges", status="failed") > 1)


def test_without_redis_requests_can_be_refused(world, launch, make_redis):
    redis = make_redis()
    gateway = launch(redis, on_down="refuse")
    assert ask(gateway, "lone").status_code == 200
    redis.kill()
    until("every worker notices", lambda: all(ask(gateway, "lone").status_code == 503 for _ in range(20)))
    for client in DIALECTS:
        answer = gateway.ask(client, "gpt", key=secret("lone"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "cannot be read" in answer.json()["error"]["message"]
    assert gateway.metric("tollgate_limited", reason="unknown") > 0
    # No rule counts these.
    assert ask(gateway, "nobody").status_code == ask(gateway, "plain").status_code == 200
    redis.start()
    until("it is let through again", lambda: all(ask(gateway, "lone").status_code == 200 for _ in range(20)))
    until("it is told", lambda: gateway.http.get("/health").json()["fleet"]["status"] == "ok")


# -- webdis with a password ---------------------------------------------------------------------------------------------


def test_webdis_with_a_password(world, launch, make_redis):
    credential = "gateway:webdis-9f86d081884c7d65"
    redis = make_redis(credential=credential)
    gateway = launch(redis, env={"WEBDIS_LOGIN": credential}, auth_env="WEBDIS_LOGIN")
    total = paid_once(gateway, "lone")
    until("written", lambda: sum(redis.totals("tollgate:*:storm:lone").values()) == total * 1_000_000)
    for text in (gateway.rendered.read_text(), gateway.envoy.ask("/config_dump"), gateway.log()):
        assert credential.split(":")[1] not in text
    stranger = launch(redis, env={"WEBDIS_LOGIN": "gateway:wrong"}, auth_env="WEBDIS_LOGIN")
    assert ask(stranger, "lone").status_code == 200
    until("it is told", lambda: down(stranger))
    assert "403" in stranger.http.get("/health").json()["fleet"]["error"]
