"""transaction_svc on a real database of either kind, with a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import Engine

from mesh.database.engine import Database, make_engine
from tests.audited import every_change_is_audited  # noqa: F401 - a fixture
from tests.conftest import FakeClock
from tests.transaction_svc.kit import Service
from transaction_svc.energy_servicer import EnergyServicer
from transaction_svc.expiry import Expiry
from transaction_svc.gateway_client import Translator
from transaction_svc.ingest_servicer import TransactionIngestServicer
from transaction_svc.meter_profile_servicer import MeterProfileServicer
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.operator_servicer import SEARCH_ROWS, TransactionServicer
from transaction_svc.rollup_worker import Rollups


@pytest.fixture
def schemas() -> tuple[str, ...]:
    """The database has the schema of transaction_svc."""
    return ("transaction",)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A migrated database."""
    engine = make_engine(database_url, "transaction")
    yield engine
    engine.dispose()


def make_service(
    engine: Engine, clock: FakeClock, translator: Translator | None = None, *, search_rows: int = SEARCH_ROWS
) -> Service:
    """The servicers on a database; the caller closes that."""
    database = Database(engine=engine)
    meters = MeterTerms()
    return Service(
        database=database,
        clock=clock,
        ingest=TransactionIngestServicer(database=database, clock=clock, meters=meters),
        operator=TransactionServicer(
            database=database, clock=clock, meters=meters, translator=translator, search_rows=search_rows
        ),
        profiles=MeterProfileServicer(database=database, clock=clock, meters=meters),
        expiry=Expiry(database=database, clock=clock),
        energy=EnergyServicer(database=database),
        rollups=Rollups(database=database, clock=clock, open_s=0, growth=0),
    )


@pytest.fixture
async def service(engine: Engine, clock: FakeClock) -> AsyncIterator[Service]:
    """The servicers on it."""
    service = make_service(engine, clock)
    yield service
    await service.database.close()


@pytest.fixture
def run(engine: Engine, clock: FakeClock) -> Iterator[tuple[asyncio.Runner, Service]]:
    """The servicers and a runner for their methods, for tests that hypothesis calls many times."""
    service = make_service(engine, clock)
    with asyncio.Runner() as runner:
        yield runner, service
        runner.run(service.database.close())
