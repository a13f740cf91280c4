"""The erasure of a driver in station_svc: lists lose their entry, what is over goes, what is not over waits."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from csms.station.v1.local_list_pb2 import SendLocalListResponse
from sqlalchemy import Connection

from mesh.contract.drivers import Driver
from mesh.database.engine import Database, make_engine
from mesh.driver_erasure import DriverErasures
from station_svc.catalogue import DRIVERS
from station_svc.commands.models import command
from station_svc.features.data_transfer.models import data_transfer
from station_svc.features.local_lists.models import local_list
from station_svc.features.local_lists.parts import Entry, pack, unpack
from station_svc.features.message_log.models import message
from station_svc.features.reservations.models import reservation
from station_svc.features.security_events.models import security_event
from station_svc.jobs.models import job
from tests.driver_erasures import FixedErasures

TAG = "04A1B2C3D4"
DRIVER = Driver(tenant_id="acme", id_tokens=(TAG,), pseudonym="erased-0123456789abcdef")
CP1 = {"tenant_id": "acme", "station_id": "CP1"}
THEIRS = {"tenant_id": "bolt", "station_id": "CP1"}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database."""
    found = Database(engine=make_engine(database_url, "station"))
    yield found
    await found.close()


async def add(database: Database, table: sa.Table, *rows: Mapping[str, Any]) -> None:
    """Adds rows."""

    def insert(connection: Connection) -> None:
        for row in rows:
            connection.execute(sa.insert(table).values(**row))

    await database.write(insert)


async def rows_of(database: Database, table: sa.Table, tenant_id: str = "acme") -> list[dict[str, Any]]:
    """The rows of a tenant."""
    query = sa.select(table).where(table.c.tenant_id == tenant_id).order_by(*table.primary_key.columns)
    return await database.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


async def erase(database: Database, source: FixedErasures) -> tuple[int, int, int, bool]:
    """Runs an erasure, after the time in which messages may be on their way; returns the report."""
    now_s = 0.0

    async def pause(_seconds: float) -> None:
        return

    erasures = DriverErasures(
        database=database, part="station", tables=DRIVERS, source=source, clock_s=lambda: now_s, pause=pause
    )
    await erasures.erase_all()
    now_s = 1000.0
    await erasures.erase_all()
    return source.last


def _entry(token: str) -> Entry:
    return Entry(id_token=token, type="", status=1, expire_us=None, group="")


async def test_a_list_loses_the_driver_alone_and_is_sent_whole_next_time(database: Database) -> None:
    entries = pack([_entry(TAG.lower()), _entry("OTHER")])
    values = {"version": 3, "entries_version": 3, "entries": entries, "entry_count": 2, "left_out": f'[["{TAG}",1]]'}
    await add(database, local_list, CP1 | values, THEIRS | values)
    assert await erase(database, FixedErasures(driver=DRIVER)) == (0, 1, 0, True)
    (mine,), (theirs,) = await rows_of(database, local_list), await rows_of(database, local_list, "bolt")
    assert [entry.id_token for entry in unpack(mine["entries"])] == ["OTHER"]
    assert (mine["entry_count"], mine["full"], mine["left_out"]) == (1, True, "[]")
    assert theirs["entries"] == entries


async def test_frames_and_texts_lose_the_driver(database: Database) -> None:
    frame = {"action": "Authorize", "payload": f'[2,"1","Authorize",{{"idTag":"{TAG}"}}]', "message_us": 5}
    other = {**frame, "payload": '[2,"1","Authorize",{"idTag":"OTHER"}]', "epoch": 1, "ordinal": 2}
    await add(database, message, CP1 | frame | {"epoch": 1, "ordinal": 1}, CP1 | other)
    await add(database, message, THEIRS | frame | {"epoch": 2, "ordinal": 1})
    event = {"epoch": 1, "ordinal": 3, "type": "X", "tech_info": f"card {TAG} refused", "receive_us": 5}
    await add(database, security_event, CP1 | event)
    transfer = {"epoch": 1, "ordinal": 4, "vendor_id": "v", "data": f"<card>{TAG}</card>", "receive_us": 5}
    await add(database, data_transfer, CP1 | transfer)
    assert await erase(database, FixedErasures(driver=DRIVER)) == (0, 3, 0, True)
    assert [row["payload"] for row in await rows_of(database, message)] == ["", other["payload"]]
    assert [row["payload"] for row in await rows_of(database, message, "bolt")] == [frame["payload"]]
    assert [row["tech_info"] for row in await rows_of(database, security_event)] == [f"card {DRIVER.pseudonym} refused"]
    assert [row["data"] for row in await rows_of(database, data_transfer)] == [""]


def _reservation(number: int, **more: Any) -> dict[str, Any]:
    row = {"reservation_id": number, "id_token": TAG, "expire_us": 9, "state": 5, "create_us": 1, "update_us": 1}
    return CP1 | row | more


def _command(name: str, **more: Any) -> dict[str, Any]:
    row = {"tenant_id": "acme", "command_id": name, "station_id": "CP1", "name": "send_local_list", "username": "ada"}
    return row | {"salt": "", "digest": "", "create_us": 1, "deadline_us": 2} | more


def _job(name: str, **more: Any) -> dict[str, Any]:
    row = {"tenant_id": "acme", "job_id": name, "kind": "k", "station_id": "CP1", "username": "ada", "run_us": 1}
    return row | {"create_us": 1, "expire_us": 2, "payload": TAG.encode()} | more


async def test_what_is_over_goes_and_the_rest_waits(database: Database) -> None:
    await add(database, reservation, _reservation(1), _reservation(2, due_us=9), _reservation(3, id_token="OTHER"))
    answer = SendLocalListResponse(left_out_id_tokens=[TAG]).SerializeToString()
    done = {"answer": answer, "finish_us": 2}
    await add(database, command, _command("c1", **done), _command("c2", finish_us=2))
    await add(database, job, _job("j1", finish_us=2), _job("j2"), _job("j3", payload=b"other"))
    source = FixedErasures(driver=DRIVER)
    assert await erase(database, source) == (3, 0, 2, False)
    assert [row["reservation_id"] for row in await rows_of(database, reservation)] == [2, 3]
    assert [row["command_id"] for row in await rows_of(database, command)] == ["c2"]
    assert [row["job_id"] for row in await rows_of(database, job)] == ["j2", "j3"]
    await database.write(lambda connection: connection.execute(sa.update(reservation).values(due_us=None)))
    await database.write(lambda connection: connection.execute(sa.update(job).values(finish_us=3)))
    assert await erase(database, source) == (5, 0, 0, True)
    assert [row["reservation_id"] for row in await rows_of(database, reservation)] == [3]
    assert [row["job_id"] for row in await rows_of(database, job)] == ["j3"]
