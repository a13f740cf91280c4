"""The ledger test in short: a few kills, every figure right."""

import asyncio
from pathlib import Path

import pytest

from chaos import run as run_module
from chaos.__main__ import report
from chaos.run import Options, run


def test_a_few_kills_lose_and_double_nothing(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a whole mesh are killed under load; the acknowledgements of the fleet are the records of the mesh.

    Half of the stations come over TLS; certificates are rotated twice, among the kills and while nothing is killed.
    """
    for limit in ("BACK_S", "DRAIN_S", "CONNECTED_S", "PUBLISHED_S"):
        monkeypatch.setattr(run_module, limit, 240.0)  # how fast it is again is not this test's business
    options = Options(
        kills=10,
        seed=7,
        stations=20,
        interval_s=1.0,
        pace_s=0.25,
        long_absences=0,
        long_s=0.0,
        encrypted=0.5,
        rotations=2,
    )
    outcome = asyncio.run(run(options, short_path, say=lambda line: None))
    assert outcome.ok, report(outcome)
    figures = {figure.name: figure for figure in outcome.figures}
    assert outcome.kills.total() == 10
    assert figures["starts"].told >= 20
    assert figures["energy, Wh"].told > 0
    assert figures["connected"].found == 20
    assert figures["over TLS"].found == 10
    assert figures["newest certificates"].found == 4
    assert figures["certificates served"].found == 12
    assert figures["sockets at rotations"].found == 10
    assert outcome.happened["certificates taken"] >= 4
    assert outcome.happened["sockets that lived on over a rotation"] > 0
