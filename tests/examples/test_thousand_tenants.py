"""examples/thousand-tenants: the simulation itself, with fewer tenants, against its own ideal."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from support.gateway import Gateway
from support.sim import OpenAISim

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "thousand-tenants" / "simulate.py"


@pytest.fixture(scope="module")
def simulate():
    spec = importlib.util.spec_from_file_location("simulate", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate"] = module
    spec.loader.exec_module(module)
    return module


def test_the_ideal_is_a_bucket_with_a_line_before_it(simulate):
    waits = simulate.ideal([0.0] * 13)
    assert waits[:5] == [0.0] * 5, "a burst goes through at once"
    assert waits[5:11] == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.5, 3.0]), "then one each half second"
    assert waits[11:] == [None, None], "who would wait longer is refused"
    assert simulate.ideal([0.0] * 5 + [2.5]) == [0.0] * 6, "a pause fills the bucket again"


def test_every_tenant_gets_its_share(simulate, tmp_path):
    with OpenAISim("sk-simulated") as openai:
        keys, entries = simulate.mint(60)
        config = simulate.configuration(tmp_path, openai.base_url, entries)
        gateway = Gateway(config, tmp_path, {"OPENAI_API_KEY": "sk-simulated"})
        try:
            outcome = simulate.compare(asyncio.run(simulate.drive(gateway.url, keys, 4.0, 7)))
            gateway.assert_sound()
        finally:
            gateway.stop()
    table = outcome.table()
    assert outcome.requests > 300 and outcome.ideal.queued > 50 and outcome.ideal.refused > 10, table
    assert outcome.differing <= outcome.requests * 0.02 and outcome.worst <= 2, table
    assert outcome.real.longest < outcome.ideal.longest + 1, table
