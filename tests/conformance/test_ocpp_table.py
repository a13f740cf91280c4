"""docs/OCPP.md and the tables it is made from, against the schemas, the services and the files that are there."""

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from csms.station.v1.station_ingest_service_pb2 import ReportItem

import auth_svc.models
import station_svc.models
import transaction_svc.models
from gateway.batching.mesh_client import METHODS, MeshClient, MeshLink, path_of
from gateway.ocpp.schemas import Schemas
from gateway.ocpp.translation import IngestRpc, Routes
from mesh.runtime.errors import MeshError
from tests.conformance import ocpp_table
from tests.conformance.catalogue import (
    ALWAYS,
    COMMAND_CHANGES,
    COMMAND_TABLES,
    COMMANDS,
    DIRECTIONS,
    REPORT_CHANGES,
    REPORT_TABLES,
    RPC_TABLES,
    STATION_EVENT_CHANGES,
)
from tests.conformance.ocpp_table import COLUMNS, FILE, ROOT, VERSIONS

TABLES = {
    f"{name}.{table}"
    for name, models in (
        ("station", station_svc.models),
        ("transaction", transaction_svc.models),
        ("auth", auth_svc.models),
    )
    for table in models.metadata.tables
}


def _lines(label: str) -> list[list[str]]:
    """The table of a version as the file has it, by cells, without its head."""
    _, _, rest = FILE.read_text().partition(f"\n## OCPP {label}:")
    section, _, _ = rest.partition("\n## ")
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.mark.parametrize("version", VERSIONS.values(), ids=lambda version: version.label)
def test_the_file_has_every_action_of_the_schemas(version: Routes) -> None:
    """One line for each action that the schemas have, no cell empty, each sent one way at least."""
    lines = _lines(version.label)
    assert [line[0] for line in lines] == [f"`{action}`" for action in sorted(Schemas(version.ocpp).actions)]
    for line in lines:
        assert len(line) == len(COLUMNS)
        assert all(line)
        assert (line[1], line[2]) != (ocpp_table.NOT_SENT, ocpp_table.NOT_ASKED)


def test_the_file_is_what_the_code_says() -> None:
    """As `make check` has it."""
    assert FILE.read_text() == ocpp_table.text(), "run `make docs`"


def test_the_file_names_what_is_there() -> None:
    """Every module and test that is linked exists."""
    links = set(re.findall(r"\]\(\.\./([^)]*)\)", FILE.read_text()))
    assert len(links) > 40
    assert [link for link in links if not (ROOT / link).is_file()] == []


@pytest.mark.parametrize("version", VERSIONS.values(), ids=lambda version: version.label)
def test_directions(version: Routes) -> None:
    """Each action of the schemas is sent one way at least, nothing else is, and routes go the right way."""
    directions = DIRECTIONS[version.label]
    assert directions.from_station | directions.to_station == Schemas(version.ocpp).actions
    assert set(version.inbound) <= directions.from_station
    assert set(ocpp_table.commands_by_action(version)) <= directions.to_station


def test_1_6_is_complete() -> None:
    """Every action of 1.6 has its handler and its command; nothing is left to NotSupported and SendCall alone."""
    version, directions = VERSIONS["v16"], DIRECTIONS["1.6"]
    assert set(version.inbound) == directions.from_station
    assert set(ocpp_table.commands_by_action(version)) == directions.to_station


async def test_each_ingest_rpc_calls_its_method() -> None:
    """RPCs of the background too, which do not go through a batcher."""
    assert set(METHODS) == set(IngestRpc)
    called: list[str] = []

    class Unimplemented(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> None:
            called.append(handler_call_details.method)

    server = grpc.aio.server(handlers=[Unimplemented()])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    link = MeshLink(channel=channel, proofs=tuple)
    mesh = MeshClient(stations=link, transactions=link, authorization=link)
    background: dict[IngestRpc, Callable[[Sequence[Any]], Awaitable[None]]] = {
        IngestRpc.BACKGROUND_REPORTS: mesh.record_background_reports,
        IngestRpc.STATION_EVENTS: mesh.notify_station_events,
    }
    for name in IngestRpc:
        with pytest.raises(MeshError, match="not found"):
            await (background[name]([]) if name in background else mesh.batchers[name]._send([]))
        assert called.pop() == path_of(METHODS[name])
    await channel.close()
    await server.stop(0)


def test_tables_exist() -> None:
    """Every table that is named is one of a service's own."""
    named = {*ALWAYS, *COMMANDS, *(table for tables in RPC_TABLES.values() for table in tables)}
    for by_kind in (REPORT_TABLES, REPORT_CHANGES, STATION_EVENT_CHANGES, COMMAND_TABLES, COMMAND_CHANGES):
        named |= {table for tables in by_kind.values() for table in tables}
    assert named <= TABLES
    reports = {field.name for field in ReportItem.DESCRIPTOR.oneofs_by_name["report"].fields}
    assert set(REPORT_TABLES) | set(REPORT_CHANGES) == reports
    commands = {name for version in VERSIONS.values() for name in version.outbound}
    assert set(COMMAND_TABLES) | set(COMMAND_CHANGES) <= commands


def test_a_file_out_of_date_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make check` fails then, and `make docs` mends it."""
    file = tmp_path / "OCPP.md"
    monkeypatch.setattr(ocpp_table, "FILE", file)
    monkeypatch.setattr("sys.argv", ["ocpp_table", "--check"])
    assert ocpp_table.main() == 1
    file.write_text("old")
    assert ocpp_table.main() == 1
    monkeypatch.setattr("sys.argv", ["ocpp_table"])
    assert ocpp_table.main() == 0
    monkeypatch.setattr("sys.argv", ["ocpp_table", "--check"])
    assert ocpp_table.main() == 0
