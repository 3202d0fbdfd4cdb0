"""A provider of every dialect behind one gateway, for the clients that are tried against them all."""

from __future__ import annotations

import pytest

from support.cast import Cast


@pytest.fixture(scope="session")
def standing_cast(tmp_path_factory):
    cast = Cast()
    cast.start(tmp_path_factory.mktemp("cast"))
    yield cast
    cast.stop()


@pytest.fixture
def cast(standing_cast):
    standing_cast.clear()
    yield standing_cast
    assert not standing_cast.faults()
