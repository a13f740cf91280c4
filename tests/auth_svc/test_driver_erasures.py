"""The directory of erasures: begun once, in an order of services, forgotten at the end."""

from typing import Any

import grpc
import msgspec
import pytest
import sqlalchemy as sa
from csms.auth.v1 import driver_erasure_pb2
from csms.auth.v1.driver_erasure_directory_service_pb2 import (
    ListPendingDriverErasuresRequest,
    PendingDriverErasure,
    ReportDriverErasureRequest,
)
from csms.auth.v1.driver_erasure_directory_service_pb2_grpc import DriverErasureDirectoryServiceStub
from csms.auth.v1.driver_erasure_service_pb2 import (
    CreateDriverErasureRequest,
    GetDriverErasureRequest,
    ListDriverErasuresRequest,
)
from csms.auth.v1.driver_erasure_service_pb2_grpc import DriverErasureServiceStub
from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, GetIdTokenRequest, IdToken
from sqlalchemy import Connection

from auth_svc import driver_erasures, models
from mesh.database.erasure_progress import Progress
from tests.auth_svc.conftest import Auth, refused
from tests.mesh_identities import open_callers_channel

TAG = "04A1B2C3D4"
NOT_FOUND, EXHAUSTED = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.RESOURCE_EXHAUSTED


def _stub(auth: Auth) -> Any:
    return DriverErasureServiceStub(auth.operator_channel)


async def _begin(auth: Auth, text: str = TAG) -> driver_erasure_pb2.DriverErasure:
    request = CreateDriverErasureRequest(id_token=text)
    response = await _stub(auth).CreateDriverErasure(request, metadata=await auth.admin())
    begun: driver_erasure_pb2.DriverErasure = response.driver_erasure
    return begun


async def _pending(auth: Auth, service: str) -> list[PendingDriverErasure]:
    async with open_callers_channel(auth.mesh_address, "auth") as channel:
        request = ListPendingDriverErasuresRequest(service=service)
        response = await DriverErasureDirectoryServiceStub(channel).ListPendingDriverErasures(request)
        return list(response.erasures)


async def _report(auth: Auth, service: str, erasure_id: str, **fields: Any) -> None:
    async with open_callers_channel(auth.mesh_address, "auth") as channel:
        request = ReportDriverErasureRequest(tenant_id="default", erasure_id=erasure_id, service=service, **fields)
        await DriverErasureDirectoryServiceStub(channel).ReportDriverErasure(request)


async def _add(auth: Auth, text: str, group: str = "") -> None:
    token = IdToken(id_token=text, group_id_token=group)
    await auth.id_tokens.CreateIdToken(CreateIdTokenRequest(id_token=token), metadata=await auth.admin())


async def test_the_token_goes_at_once_and_a_repeat_is_the_same_erasure(auth: Auth) -> None:
    await _add(auth, TAG)
    begun = await _begin(auth, f" {TAG.lower()} ")
    assert begun.state == driver_erasure_pb2.DRIVER_ERASURE_STATE_RUNNING
    assert (await _begin(auth)).erasure_id == begun.erasure_id
    with refused(NOT_FOUND, "ID_TOKEN_NOT_FOUND"):
        await auth.id_tokens.GetIdToken(GetIdTokenRequest(id_token=TAG), metadata=await auth.admin())
    listed = await _stub(auth).ListDriverErasures(ListDriverErasuresRequest(), metadata=await auth.admin())
    assert [one.erasure_id for one in listed.driver_erasures] == [begun.erasure_id]
    with refused(NOT_FOUND, "DRIVER_ERASURE_NOT_FOUND"):
        await _stub(auth).GetDriverErasure(GetDriverErasureRequest(erasure_id="none"), metadata=await auth.admin())


async def test_a_group_of_this_driver_alone_goes_too(auth: Auth) -> None:
    await _add(auth, "CARD-1", "FAMILY")
    await _add(auth, "CARD-2", "family")
    await _add(auth, "CARD-3", "LONE")
    for text in ("CARD-1", "CARD-3"):
        await _begin(auth, text)
    assert sorted(list(one.id_tokens) for one in await _pending(auth, "station")) == [["CARD-1"], ["CARD-3", "LONE"]]
    pseudonyms = {one.pseudonym for one in await _pending(auth, "station")}
    assert len(pseudonyms) == 2


async def test_services_erase_one_after_the_other_and_then_nothing_tells_who_it_was(auth: Auth) -> None:
    erasure_id = (await _begin(auth)).erasure_id
    assert [one.due for one in await _pending(auth, "transaction")] == [True]
    assert [one.due for one in await _pending(auth, "station")] == [False]
    await _report(auth, "transaction", erasure_id, changed_rows=3, waiting_rows=2)
    assert [one.due for one in await _pending(auth, "station")] == [False]
    await _report(auth, "transaction", erasure_id, changed_rows=5, finished=True)
    # A process that has lost its count takes nothing back.
    await _report(auth, "transaction", erasure_id, changed_rows=0, finished=True)
    assert await _pending(auth, "transaction") == []
    await _report(auth, "station", erasure_id, removed_rows=1, finished=True)
    assert [one.due for one in await _pending(auth, "notification")] == [False]
    erasures = driver_erasures.DriverErasures(database=auth.database, clock=auth.clock)
    [own] = await erasures.pending()
    assert own.is_due
    await erasures.report(_progress(erasure_id), finished=True)
    assert [one.due for one in await _pending(auth, "notification")] == [True]
    await _report(auth, "notification", erasure_id, finished=True)
    found = await _stub(auth).GetDriverErasure(
        GetDriverErasureRequest(erasure_id=erasure_id), metadata=await auth.admin()
    )
    assert found.driver_erasure.state == driver_erasure_pb2.DRIVER_ERASURE_STATE_FINISHED
    assert {one.service: one.changed_rows for one in found.driver_erasure.reports}["transaction"] == 5
    assert await auth.database.read(_kept) == ("[]", "")
    with refused(NOT_FOUND, "DRIVER_ERASURE_NOT_FOUND"):
        await _report(auth, "station", erasure_id, finished=True)
    assert (await _begin(auth)).erasure_id != erasure_id  # a new one


def _progress(erasure_id: str) -> Progress:
    return Progress(tenant_id="default", erasure_id=erasure_id, table_name="")


def _kept(connection: Connection) -> tuple[str, str]:
    row = connection.execute(sa.select(models.driver_erasure.c.id_tokens, models.driver_erasure.c.pseudonym)).one()
    return row.id_tokens, row.pseudonym


async def test_the_audit_entry_of_an_erasure_names_neither_token_nor_pseudonym(auth: Auth) -> None:
    erasure_id = (await _begin(auth)).erasure_id
    [pending] = await _pending(auth, "station")

    def contents(connection: Connection) -> list[str]:
        return list(connection.execute(sa.select(models.audit_entry.c.content)).scalars())

    entries = [text for text in await auth.database.read(contents) if erasure_id in text]
    assert [msgspec.json.decode(text)["resourceType"] for text in entries] == ["driver_erasure"]
    assert not any(TAG.lower() in text.lower() or pending.pseudonym in text for text in entries)


async def test_erasures_that_run_are_bounded(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_erasures, "MOST_RUNNING", 2)
    for text in ("CARD-1", "CARD-2"):
        await _begin(auth, text)
    with refused(EXHAUSTED, "DRIVER_ERASURE_LIMIT_REACHED"):
        await _begin(auth, "CARD-3")


@pytest.mark.parametrize("text", ["", "   ", "a\nb", "x" * 300])
async def test_a_text_that_no_id_token_has_is_refused(auth: Auth, text: str) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "id_token"):
        await _begin(auth, text)
