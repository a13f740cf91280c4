"""Reassessment for operators: the energy of a transaction by the meter profile that applies now."""

from functools import partial

from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.database.engine import Database
from mesh.identity.callers import Caller
from mesh.runtime.times import Clock
from transaction_svc import ingestion, store
from transaction_svc.batch_context import BatchContext
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.tracked_transaction import Name
from transaction_svc.transaction_state import Reassessment


class Reassessments:
    """Reassesses one transaction at a time."""

    def __init__(self, *, database: Database, clock: Clock, meters: MeterTerms) -> None:
        self._database = database
        self._clock = clock
        self._meters = meters

    async def reassess(self, caller: Caller, station_id: str, transaction_id: str) -> None:
        """Reassesses the latest transaction of this name."""
        name = (caller.tenant_id, station_id, transaction_id)
        work = partial(_reassess, name=name, username=caller.username, now_us=self._clock(), meters=self._meters)
        await self._database.write(work)


def _reassess(connection: Connection, *, name: Name, username: str, now_us: int, meters: MeterTerms) -> None:
    tenant_id, station_id, transaction_id = name
    wanted = {
        "n": 0,
        "tenant_id": tenant_id,
        "station_id": station_id,
        "content_key": "",
        "transaction_id": transaction_id,
    }
    batch = BatchContext()
    # The station's lock covers the adjacent transactions too.
    lookups = store.lock_and_look_up(connection, [store.station_lock(tenant_id, station_id)], [wanted])
    batch.terms = meters.find(connection, {name[:2]}, now_us)
    for lookup in lookups:
        tx = batch.adopt(lookup.tx)
        count = tx.state.reassessment.count if tx.state.reassessment else 0
        tx.state.reassessment = Reassessment(count + 1, now_us, username)
        batch.set_terms(tx, batch.terms[tx.name[:2]])
        audit.acted(
            connection,
            tenant_id=tenant_id,
            resource_type="transaction",
            resource=f"{station_id}/{transaction_id}/{lookup.tx.generation}",
            station_id=station_id,
            details={"meterProfileId": batch.terms[tx.name[:2]].profile_id},
            time_us=now_us,
        )
    ingestion.write_back(connection, batch, now_us=now_us)
