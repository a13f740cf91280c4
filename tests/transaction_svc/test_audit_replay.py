"""The audited state of transaction_svc follows from its entries alone: that of meter profiles.

Each method that changes something is replayed, or has a reason why it changes no audited field.
"""

import asyncio
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from csms.transaction.v1 import meter_profile_service_pb2 as profile_pb
from hypothesis import given
from hypothesis import strategies as st

from mesh.audit.replay import Key, replay
from mesh.runtime.errors import MeshError
from tests.audited import contents, linked_entries
from tests.replayed import expect_each_fault_found, expect_each_method
from tests.transaction_svc.kit import Service
from tests.transaction_svc.profiles import delete_profile, set_profile
from tests.transaction_svc.test_any_order import EXAMPLES
from transaction_svc import models
from transaction_svc.meter_profile_store import MeterProfile, audited_fields

FEW = st.sampled_from
Operation = tuple[str, dict[str, Any]]
_TRANSACTION = "a transaction follows from what its station reported; the entry has what the operator gave"
_ITEM = "an item follows from what its station sent; the entry has what the operator gave"
STATELESS = {
    "TransactionService/ReassessTransaction": _TRANSACTION,
    "TransactionService/EndTransaction": _TRANSACTION,
    "TransactionService/RerunQuarantinedItem": _ITEM,
    "TransactionService/DismissQuarantinedItem": _ITEM,
    "TransactionService/MendQuarantinedItem": _ITEM,
}


def test_each_method_that_changes_something_is_replayed() -> None:
    methods = ("MeterProfileService/SetMeterProfile", "MeterProfileService/DeleteMeterProfile")
    expect_each_method("transaction", methods, STATELESS)


_PROFILES = st.fixed_dictionaries(
    {"vendor_name": FEW(["V", "W"])},
    optional={
        "max_power_w": FEW([0, 11_000, 22_000]),
        "begin_end_exponent": FEW([-3, 0, 3]),
        "zero_begin": FEW([0, profile_pb.ZERO_BEGIN_READING]),
        "evse_kind": FEW([0, profile_pb.EVSE_KIND_DC]),
    },
)
_OPERATION: st.SearchStrategy[Operation] = st.one_of(
    st.tuples(st.just("set"), _PROFILES), st.tuples(st.just("delete"), st.just({}))
)


@EXAMPLES
@given(operations=st.lists(_OPERATION, min_size=1, max_size=8))
def test_the_state_follows_from_the_audit_alone(
    run: tuple[asyncio.Runner, Service], operations: list[Operation]
) -> None:
    """Of every audited field of every meter profile, after any operations."""
    runner, service = run
    runner.run(_check(service, operations))


async def _check(service: Service, operations: list[Operation]) -> None:
    latest = ""
    for name, values in operations:
        with suppress(MeshError):
            if name == "set":
                latest = (await set_profile(service, **values)).meter_profile_id
            else:
                await delete_profile(service, latest)
    chain = await linked_entries(service.database, "transaction")
    assert replay(contents(chain)) == await _state(service)
    expect_each_fault_found("transaction", chain, "default")


async def _state(service: Service) -> dict[Key, dict[str, Any]]:
    query = sa.select(models.meter_profile)
    rows = await service.database.read(lambda connection: connection.execute(query).mappings().all())
    return {("meter_profile", row["profile_id"]): audited_fields(MeterProfile(**row)) for row in rows}
