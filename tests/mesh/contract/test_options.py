"""Options of the contract: each has to be there, and none has a default."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from csms.options.v1 import options_pb2
from joserfc.jwk import KeySet

from deploy import contract_check
from mesh.contract.options import check_audience, contract_faults, part_name
from mesh.contract.published import contract_files
from mesh.contract.services import MESH_SERVICES, OPTIONAL_OPERATOR_SERVICES
from mesh.grpc import servers
from mesh.grpc.servers import mesh_server, operator_server
from mesh.identity.operator_access import OperatorAccess
from mesh.runtime.process import EX_CONFIG
from mesh.runtime.startup_errors import ContractError
from tests.mesh.contract.contracts import Change, changed
from tests.mesh_identities import identity_of, mesh_environment
from tests.role_callers import role_access

ROOT = Path(__file__).resolve().parents[3]
EVENTS = "csms.event.v1.EventService"
PLUG_IN = "csms.simulator.v1.SimulatorService/PlugIn"
GATEWAY = "csms.gateway.v1.GatewayService"


class NoKeys:
    """Keys that nobody asks for, because no server is made."""

    async def keys(self, key_id: str) -> KeySet:
        """See KeySource."""
        raise AssertionError(key_id)


def _access() -> OperatorAccess:
    return role_access(NoKeys())


def _clear_access(service: Any) -> None:
    service.method[0].options.ClearExtension(options_pb2.access)


def _unspecified(service: Any) -> None:
    service.method[0].options.Extensions[options_pb2.access].permission = options_pb2.PERMISSION_UNSPECIFIED


def _give_access(service: Any) -> None:
    service.method[0].options.Extensions[options_pb2.access].permission = options_pb2.PERMISSION_EVENTS_READ


def _clear_audit(service: Any) -> None:
    service.method[0].options.ClearExtension(options_pb2.audit)


def _audit_nothing(service: Any) -> None:
    service.method[0].options.Extensions[options_pb2.audit] = options_pb2.AUDIT_NONE


def _audit_simulated(service: Any) -> None:
    service.method[0].options.Extensions[options_pb2.audit] = options_pb2.AUDIT_SIMULATED


def _audit_changes(service: Any) -> None:
    for method in service.method:
        if method.name == "PlugIn":
            method.options.Extensions[options_pb2.audit] = options_pb2.AUDIT_CHANGE


def _give_audit(service: Any) -> None:
    service.method[0].options.Extensions[options_pb2.audit] = options_pb2.AUDIT_CHANGE


def _scope(scope: options_pb2.ScopeRule.ValueType) -> Change:
    def change(service: Any) -> None:
        service.method[0].options.Extensions[options_pb2.access].scope = scope

    return change


def _make_public(service: Any) -> None:
    access = service.method[0].options.Extensions[options_pb2.access]
    access.public_access = options_pb2.PUBLIC_ACCESS_IGNORE_INVALID_TOKEN


def _clear_audience(service: Any) -> None:
    service.options.ClearExtension(options_pb2.audience)


def _clear_callers(service: Any) -> None:
    service.method[0].options.ClearExtension(options_pb2.callers)


def _unspecified_caller(service: Any) -> None:
    service.method[0].options.Extensions[options_pb2.callers].append(options_pb2.PART_UNSPECIFIED)


def _give_callers(service: Any) -> None:
    service.method[0].options.Extensions[options_pb2.callers].append(options_pb2.PART_GATEWAY)


START = "csms.station.v1.CommandService/RequestStartTransaction"
FAULTS: list[tuple[str, Change, str]] = [
    ("EventService", _clear_access, f"{EVENTS}/ListEvents: states no access; give it a permission"),
    ("EventService", _unspecified, f"{EVENTS}/ListEvents: its permission is UNSPECIFIED"),
    (
        "EventService",
        _scope(options_pb2.SCOPE_RULE_UNSPECIFIED),
        f"{EVENTS}/ListEvents: states no scope beside its permission",
    ),
    (
        "EventService",
        _scope(options_pb2.SCOPE_RULE_STATION),
        f"{EVENTS}/ListEvents: its scope is STATION, but its request has neither station_id nor station.station_id",
    ),
    (
        "EventService",
        _scope(options_pb2.SCOPE_RULE_CALLER),
        f"{EVENTS}/ListEvents: its scope is CALLER, but its permission is not OWN_ACCOUNT",
    ),
    ("EventService", _make_public, f"{EVENTS}/ListEvents: states a scope, but needs no permission"),
    (
        "EventService",
        _clear_audit,
        f"{EVENTS}/ListEvents: states no audit; AUDIT_CHANGE is the one of a method that changes or commands something",
    ),
    (
        "CommandService",
        _audit_nothing,
        f"{START}: needs the permission PERMISSION_STATIONS_COMMAND, so its audit is AUDIT_CHANGE",
    ),
    (
        "CommandService",
        _audit_simulated,
        f"{START}: needs the permission PERMISSION_STATIONS_COMMAND, so its audit is AUDIT_CHANGE",
    ),
    (
        "EventService",
        _audit_simulated,
        f"{EVENTS}/ListEvents: its audit is AUDIT_SIMULATED, which is for methods with PERMISSION_SIMULATOR_WRITE",
    ),
    (
        "SimulatorService",
        _audit_changes,
        f"{PLUG_IN}: needs the permission PERMISSION_SIMULATOR_WRITE, so its audit is AUDIT_SIMULATED",
    ),
    (
        "GatewayService",
        _give_audit,
        "csms.gateway.v1.GatewayService/Call: states an audit, but its service is not for operators",
    ),
    ("EventService", _clear_audience, f"{EVENTS}: states no audience"),
    (
        "GatewayService",
        _give_access,
        "csms.gateway.v1.GatewayService/Call: states an access, but its service is not for operators",
    ),
    ("GatewayService", _clear_callers, f"{GATEWAY}/Call: states no callers; name the parts that call it"),
    ("GatewayService", _unspecified_caller, f"{GATEWAY}/Call: one of its callers is UNSPECIFIED"),
    ("EventService", _give_callers, f"{EVENTS}/ListEvents: states callers, but its service is not for the mesh"),
]


def test_the_contract_is_complete() -> None:
    """Each service, method and enumeration of ours states what it has to."""
    assert contract_faults(contract_files()) == []


@pytest.mark.parametrize(("name", "change", "fault"), FAULTS)
def test_make_check_finds_each_fault(
    name: str, change: Change, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each, and the check fails."""
    files = changed(name, change)
    assert fault in contract_faults(files)
    assert contract_check.main() == 0
    monkeypatch.setattr(contract_check, "contract_files", lambda: files)
    assert contract_check.main() == 1
    assert fault in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [_clear_access, _unspecified, _scope(options_pb2.SCOPE_RULE_UNSPECIFIED), _clear_audience],
    ids=["access", "permission", "scope", "audience"],
)
def test_no_server_is_made_where_the_contract_is_not_complete(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service or method is named."""
    files = changed("EventService", change)
    monkeypatch.setattr(servers, "contract_files", lambda: files)
    with pytest.raises(ContractError, match=f"^the contract is not complete: {EVENTS}"):
        operator_server("127.0.0.1:0", access=_access(), services=[EVENTS])


@pytest.mark.parametrize("change", [_clear_callers, _unspecified_caller])
def test_no_mesh_server_is_made_where_a_method_does_not_state_its_callers(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = changed("GatewayService", change)
    monkeypatch.setattr(servers, "contract_files", lambda: files)
    with pytest.raises(ContractError, match=f"^the contract is not complete: {GATEWAY}/Call: "):
        mesh_server("127.0.0.1:0", identity=identity_of("gateway"), services=[GATEWAY])


def test_parts_of_the_contract_are_those_of_the_services() -> None:
    parts = [part_name(part) for part in options_pb2.Part.values() if part != options_pb2.PART_UNSPECIFIED]
    assert set(parts) == {*MESH_SERVICES, *OPTIONAL_OPERATOR_SERVICES}


def test_a_service_whose_contract_is_not_complete_does_not_start(tmp_path: Path) -> None:
    """Its process ends with one line for people, and the status of a wrong configuration."""
    (tmp_path / "csms").mkdir()  # found before the one of gen/, whose other files stay
    (tmp_path / "csms" / "csms.binpb").write_bytes(changed("EventService", _clear_access).SerializeToString())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CSMS_")}
    ended = subprocess.run(
        [sys.executable, "-m", "notification_svc"],
        env=kept
        | {
            "CSMS_NOTIFICATION_ADDRESS": "127.0.0.1:0",
            "CSMS_NOTIFICATION_OPERATOR_ADDRESS": "127.0.0.1:0",
            "CSMS_AUTH_ADDRESS": "127.0.0.1:1",
            **mesh_environment("notification"),
            "CSMS_AUTO_MIGRATE": "1",
            "CSMS_DATA_DIR": str(tmp_path),
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "gen")]),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == EX_CONFIG, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1] == (
        f"notification_svc: the contract is not complete: {EVENTS}/ListEvents: states no access; give it a permission"
    )


def test_a_method_about_a_station_is_not_served_where_nothing_knows_where_that_stands() -> None:
    with pytest.raises(ContractError, match="nothing here knows where the stations of"):
        operator_server("127.0.0.1:0", access=_access(), services=["csms.station.v1.CommandService"])


async def test_a_service_is_never_served_on_the_port_of_the_other_kind() -> None:
    with pytest.raises(ContractError, match="its audience is not AUDIENCE_MESH"):
        mesh_server("127.0.0.1:0", identity=identity_of("notification"), services=[EVENTS])
    with pytest.raises(ContractError, match="its audience is not AUDIENCE_OPERATORS"):
        operator_server(
            "127.0.0.1:0",
            access=_access(),
            services=["csms.gateway.v1.GatewayService"],
        )
    with pytest.raises(ContractError, match="has no such service"):
        check_audience(contract_files(), ["csms.event.v1.NoService"], options_pb2.AUDIENCE_MESH)
