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
            sent = asyncio.run(simulate.drive(gateway.url, keys, 4.0, 7))
            gateway.assert_sound()
        finally:
            gateway.stop()
    outcome = simulate.compare(sent)
    table = outcome.table()
    assert outcome.requests == len(sent) > 300, table
    assert outcome.ideal.queued > 50 and outcome.ideal.refused > 10, table
    # What holds however slow the machine is: nobody gets more than the share, and who is refused has waited in vain.
    for tenant in keys:
        own = [one for one in sent if one.tenant == tenant]
        admitted = [one for one in own if one.status == 200]
        span = max(one.at + one.seconds for one in own) - min(one.at for one in own)
        assert len(admitted) <= simulate.BURST + simulate.RATE * span + 1, (tenant, own)
        assert len(admitted) >= min(len(own), simulate.BURST), (tenant, own)
        assert all(one.seconds > simulate.PATIENCE - 0.2 for one in own if one.status == 429), (tenant, own)
