"""Makes docs/OCPP.md from the code: `python -m tests.conformance.ocpp_table`.

What is done with an action is read off the routes of its version, the RPCs off the contract, where it is stored off
tests/conformance/catalogue.py, where it is tested off the tests that are there.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csms.auth.v1.authorization_service_pb2 import AuthorizeResult
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_ACCEPTED, AUTHORIZATION_STATUS_BLOCKED, IdTokenInfo
from csms.common.v1.origin_pb2 import Origin
from csms.gateway.v1.gateway_service_pb2 import CallRequest
from csms.station.v1.station_ingest_service_pb2 import BootResult
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventResult
from google.protobuf import descriptor_pb2

from gateway.batching.mesh_client import METHODS
from gateway.ocpp.schemas import Schemas
from gateway.ocpp.translation import Alternatives, Inbound, IngestRpc, Outbound, Results, Routes
from gateway.ocpp.v16 import routes as v16
from gateway.ocpp.v201 import routes as v201
from mesh.contract.published import CONTRACT
from mesh.contract.services import OPERATOR_SERVICES
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
from tests.gateway import payloads

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "OCPP.md"
VERSIONS: Mapping[str, Routes] = {"v16": v16.ROUTES, "v201": v201.ROUTES}  # by folder

EVERY_ACTION = "tests/conformance/test_every_action.py"
NOT_SENT = "n/a: stations do not send it"
NOT_ASKED = "n/a: it is not sent to stations"
HEAD = """# OCPP, action by action

Made from the code by `make docs`; `make check` fails where it is not up to date.

- Every frame is written to the message log, and updates the last-seen time (`{always}`).
- A test sends every action through the real edge with the least and the most that its schema allows, and with every
  word of every enumeration; it checks every answer by its schema, and the rows that were written by this table
  ({every}).
- The event of a change is committed with it, in the `outbox` of the same schema.
- `CommandService/SendCall` sends every action of the schemas, also those without an RPC of their own.
- The certification cases of central systems are tests by id, of 1.6
  ([tests/certification/v16](../tests/certification/v16/cases.py)) and of 2.0.1
  ([tests/certification/v201](../tests/certification/v201/cases.py)).
- A CALLERROR answers an action that stations do not send (NotSupported), or that the version does not have
  (NotImplemented).
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One action of one version."""

    action: str
    from_station: str
    to_station: str
    stored: str
    tested: str

    def cells(self) -> tuple[str, ...]:
        """The cells, in the order of the columns."""
        return (self.action, self.from_station, self.to_station, self.stored, self.tested)


# Results that have a follow-up: of a boot, of an id token that is refused or has a limit.
_RECORDED = {IngestRpc.TRANSACTION_EVENTS: TransactionEventResult(event_key="0.ab"), IngestRpc.BOOTS: BootResult()}
_VERDICTS: tuple[Results, ...] = (
    _RECORDED | {IngestRpc.AUTHORIZE: AuthorizeResult(id_token_info=IdTokenInfo(status=AUTHORIZATION_STATUS_BLOCKED))},
    _RECORDED
    | {
        IngestRpc.AUTHORIZE: AuthorizeResult(
            id_token_info=IdTokenInfo(status=AUTHORIZATION_STATUS_ACCEPTED),
            max_concurrent_transactions=1,
            limit_authorize=True,
        )
    },
)

COLUMNS = ("action", "from the station", "to the station", "stored in", "tested in")


def rows(folder: str) -> Iterator[Row]:
    """The rows of one version, every action that its schemas have."""
    version = VERSIONS[folder]
    commands = dict(commands_by_action(version))
    for action in sorted(Schemas(version.ocpp).actions):
        inbound, names = version.inbound.get(action), commands.get(action, [])
        yield Row(
            action=f"`{action}`",
            from_station=_from_station(version, action, inbound),
            to_station=_to_station(version, action, names),
            stored=_stored(version, action, inbound, names),
            tested=_tested(folder, version, action, names),
        )


def commands_by_action(version: Routes) -> Mapping[str, list[str]]:
    """The commands of the contract that make CALLs of an action, by field of CallRequest.command."""
    found: dict[str, list[str]] = {}
    for name, route in version.outbound.items():
        for outbound in outbounds(route):
            found.setdefault(outbound.action, []).append(name)
    return found


def outbounds(route: Outbound | Alternatives) -> tuple[Outbound, ...]:
    """The actions of a route; most have one."""
    return route.outbounds if isinstance(route, Alternatives) else (route,)


def chooser(version: Routes, name: str) -> Callable[[Any], Outbound]:
    """Says which action a command is said with."""
    route = version.outbound[name]
    return route.choose if isinstance(route, Alternatives) else lambda _command: route


def rpcs(version: Routes, action: str) -> list[IngestRpc]:
    """The ingest RPCs that an action may use."""
    return sorted({rpc for rpc, _item in _items(version, action)})


def rpcs_after(version: Routes, action: str) -> list[IngestRpc]:
    """The ingest RPCs that an action may use once the services have spoken, before it is answered."""
    return sorted({rpc for rpc, _item in _items_after(version, action)})


def _items_after(version: Routes, action: str) -> list[tuple[IngestRpc, Any]]:
    to_follow_up, schema = version.inbound[action].to_follow_up, Schemas(version.ocpp).schema(action, "request")
    if to_follow_up is None:
        return []
    payload = payloads.maximal(schema)
    return [found for results in _VERDICTS for found in to_follow_up(payload, Origin(), results).items()]


def tables(version: Routes, action: str) -> list[str]:
    """The tables that an action of a station may write, as tests/conformance/catalogue.py has them."""
    used = [*rpcs(version, action), *rpcs_after(version, action)]
    found = [table for rpc in used for table in RPC_TABLES.get(rpc, ())]
    kinds = _kinds_of_reports(version, action)
    return found + [table for kind in sorted(kinds) for table in REPORT_TABLES.get(kind, ())]


def _kinds_of_reports(version: Routes, action: str) -> set[str]:
    reports = {IngestRpc.REPORTS, IngestRpc.BACKGROUND_REPORTS}
    items = [*_items(version, action), *_items_after(version, action)]
    return {item.WhichOneof("report") for rpc, item in items if rpc in reports}


def changes(version: Routes, action: str) -> list[str]:
    """The tables whose rows an action of a station may change beside those, where there are any it is about."""
    kinds = _kinds_of_reports(version, action)
    found = [table for kind in sorted(kinds) for table in REPORT_CHANGES.get(kind, ())]
    items = [*_items(version, action), *_items_after(version, action)]
    events = {item.WhichOneof("event") for rpc, item in items if rpc is IngestRpc.STATION_EVENTS}
    return found + [table for kind in sorted(events) for table in STATION_EVENT_CHANGES[kind]]


def _items(version: Routes, action: str) -> list[tuple[IngestRpc, Any]]:
    """The items of an action with the least and the most that its schema allows, and with any word."""
    to_items, schema = version.inbound[action].to_items, Schemas(version.ocpp).schema(action, "request")
    if to_items is None:
        return []
    examples = [payloads.minimal(schema), payloads.maximal(schema)]
    examples += [payload for _path, payload in payloads.every_word(schema)]
    return [found for payload in examples for found in to_items(payload, Origin()).items()]


def operator_rpcs() -> Mapping[str, list[str]]:
    """Operators' RPCs by the full name of their request, as Service/Method."""
    text = CONTRACT.read_bytes()
    found: dict[str, list[str]] = {}
    served = {name for names in OPERATOR_SERVICES.values() for name in names}
    for file in descriptor_pb2.FileDescriptorSet.FromString(text).file:
        for service in file.service:
            if f"{file.package}.{service.name}" in served:
                for method in service.method:
                    found.setdefault(method.input_type.removeprefix("."), []).append(f"{service.name}/{method.name}")
    return found


def rpcs_of_command(name: str) -> list[str]:
    """The operators' RPCs that take a command as it is; else the RPC between services that carries it down."""
    message = type(getattr(CallRequest(), name)).DESCRIPTOR
    return operator_rpcs().get(message.full_name, [f"GatewayService/Call {name}"])


def text() -> str:
    """The whole file."""
    parts = [HEAD.format(always="`, `".join(ALWAYS), every=f"[{EVERY_ACTION}](../{EVERY_ACTION})")]
    for folder, version in VERSIONS.items():
        count = len(Schemas(version.ocpp).actions)
        parts += [f"## OCPP {version.label}: {count} actions", "", *_table(rows(folder)), ""]
    return "\n".join(parts).rstrip() + "\n"


def _from_station(version: Routes, action: str, inbound: Inbound | None) -> str:
    if action not in DIRECTIONS[version.label].from_station:
        return NOT_SENT
    if inbound is None:
        return "answered NotSupported"
    module = _module(inbound.to_items or inbound.to_response)
    if inbound.to_items is None:
        return f"{module}: the gateway's own answer"
    told, after = (
        ", ".join(f"`{_short(rpc)}`" for rpc in found) for found in (rpcs(version, action), rpcs_after(version, action))
    )
    return f"{module} → {told}" + (f"; where the answers require it, then {after}" if after else "")


def _to_station(version: Routes, action: str, names: Iterable[str]) -> str:
    if action not in DIRECTIONS[version.label].to_station:
        return NOT_ASKED
    used = []
    for name in names:
        [outbound] = [found for found in outbounds(version.outbound[name]) if found.action == action]
        used.append(f"{', '.join(f'`{rpc}`' for rpc in rpcs_of_command(name))} → {_module(outbound.to_calls)}")
    return "; ".join(used) or "`CommandService/SendCall`"


def _stored(version: Routes, action: str, inbound: Inbound | None, names: Iterable[str]) -> str:
    found = [] if inbound is None else tables(version, action) + changes(version, action)
    if action in DIRECTIONS[version.label].to_station:
        found += COMMANDS
        found += [table for name in names for by in (COMMAND_TABLES, COMMAND_CHANGES) for table in by.get(name, ())]
    return ", ".join(f"`{table}`" for table in dict.fromkeys(found)) or "only the log"


def _tested(folder: str, version: Routes, action: str, names: Iterable[str]) -> str:
    files = list[str]()
    inbound = version.inbound.get(action)
    modules: list[Any] = [] if inbound is None else [inbound.to_items or inbound.to_response]
    modules += [
        outbound.to_calls
        for name in names
        for outbound in outbounds(version.outbound[name])
        if outbound.action == action
    ]
    for function in modules:
        path = f"tests/gateway/{folder}/test_{function.__module__.rpartition('.')[2]}.py"
        files += [path] if (ROOT / path).exists() else _naming(f"gateway/{folder}", action, *names)
    files += [EVERY_ACTION, *_naming(f"certification/{folder}", action)]
    return ", ".join(f"[{_title(path)}](../{path})" for path in dict.fromkeys(files))


def _title(path: str) -> str:
    stem = Path(path).stem
    return f"certification: {stem.removeprefix('test_')}" if path.startswith("tests/certification/") else stem


def _naming(folder: str, *names: str) -> list[str]:
    """The tests in a folder that name an action, or a command, or send it by the station kit: `v16.authorize(…)`."""
    paths = sorted((ROOT / "tests" / folder).glob("*.py"))
    builders = [re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in names]
    named = re.compile("|".join((*(f'"{name}"' for name in names), *(rf"\bv\d+\.{name}\(" for name in builders))))
    found = [path for path in paths if named.search(path.read_text())]
    return [str(path.relative_to(ROOT)) for path in found if path.stem not in ("test_routes", "helpers")]


def _module(function: Any) -> str:
    path = function.__module__.replace(".", "/") + ".py"
    return f"[{path.removeprefix('gateway/ocpp/')}](../{path})"


def _short(rpc: IngestRpc) -> str:
    """The service and the method of an ingest RPC."""
    method = METHODS[rpc]
    return f"{method.containing_service.name}/{method.name}"


def _table(lines: Iterable[Row]) -> Iterator[str]:
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"| {' | '.join('---' for _ in COLUMNS)} |"
    for row in lines:
        yield f"| {' | '.join(row.cells())} |"


def main() -> int:
    """Writes the file, or with --check only says whether it is up to date."""
    parser = argparse.ArgumentParser(description="Makes docs/OCPP.md from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is not up to date")
    check: bool = parser.parse_args().check
    if not check:
        FILE.write_text(text())
    elif not FILE.exists() or FILE.read_text() != text():
        sys.stderr.write("docs/OCPP.md is not what the code says: run `make docs` and commit it\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
