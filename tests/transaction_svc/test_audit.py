"""The audit of transaction_svc: each change of an operator has an entry. Its replay is in test_audit_replay.py."""

from collections.abc import Awaitable, Callable
from typing import Any

from csms.options.v1 import options_pb2
from csms.transaction.v1 import meter_profile_service_pb2 as profile_pb
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_service_pb2 import MendQuarantinedItemRequest
from hypothesis import strategies as st

from mesh.audit.entries import Content
from mesh.contract.options import audit_of
from mesh.contract.published import contract_files
from mesh.contract.services import OPERATOR_SERVICES
from mesh.identity.acting import Acting, acting_as
from mesh.identity.callers import set_caller
from tests.audited import contents, linked_entries
from tests.transaction_svc.kit import CONTEXT, Service, event_2x, start_16
from tests.transaction_svc.profiles import ADMIN, delete_profile, reassess, set_profile
from tests.transaction_svc.test_rerun import dismiss, kept, rerun

FEW = st.sampled_from
Operation = tuple[str, dict[str, Any]]


async def _audit(service: Service) -> list[Content]:
    return contents(await linked_entries(service.database, "transaction"))


async def _mend(service: Service, quarantine_id: str) -> None:
    set_caller(ADMIN)
    request = MendQuarantinedItemRequest(
        quarantine_id=quarantine_id, reason="seen on the display", transaction_event=event_2x("m", "STARTED", 0, 0, 100)
    )
    await service.operator.MendQuarantinedItem(request, CONTEXT)


async def test_each_change_of_an_operator_has_an_entry(service: Service) -> None:
    """Every method whose audit is AUDIT_CHANGE, in turn."""
    number = (await service.one(start_16(0, meter_start=0))).transaction_id
    await service.send_items([service.item(TransactionEvent()), service.item(event_2x("", "STARTED", 0, 0))])
    first, second = [item.quarantine_id for item in await kept(service)]
    profiles: list[profile_pb.MeterProfile] = []

    async def set_one() -> None:
        profiles.append(await set_profile(service, vendor_name="V"))

    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "MeterProfileService/SetMeterProfile": set_one,
        "TransactionService/ReassessTransaction": lambda: reassess(service, number),
        "TransactionService/EndTransaction": lambda: service.end(number),
        "TransactionService/RerunQuarantinedItem": lambda: rerun(service, first),
        "TransactionService/DismissQuarantinedItem": lambda: dismiss(service, first),
        "TransactionService/MendQuarantinedItem": lambda: _mend(service, second),
        "MeterProfileService/DeleteMeterProfile": lambda: delete_profile(service, profiles[0].meter_profile_id),
    }
    audits = audit_of(contract_files(), OPERATOR_SERVICES["transaction"])
    changing = {method for method, audit in audits.items() if audit == options_pb2.AUDIT_CHANGE}
    assert {f"/csms.transaction.v1.{name}" for name in calls} == changing
    for name, call in calls.items():
        with acting_as(Acting(action=name)) as acting:
            await call()
        assert acting.entries == 1, name
    entries = await _audit(service)
    assert [entry.action for entry in entries] == list(calls)
    assert [entry.resource_type for entry in entries[1:3]] == ["transaction", "transaction"]
    assert [entry.resource for entry in entries[3:6]] == [first, first, second]


async def test_a_repeat_changes_nothing_and_says_so(service: Service) -> None:
    number = (await service.one(start_16(0, meter_start=0))).transaction_id
    await service.end(number)
    with acting_as(Acting(action="again")) as acting:
        await service.end(number)
    assert (acting.entries, acting.is_unchanged) == (0, True)
