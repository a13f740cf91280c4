"""Reasons of errors: their properties, the contract's comments, and the code that raises them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from mesh.runtime.error_reasons import Reason, Retry, Sent, UnlistedReason, reason_of
from mesh.runtime.errors import MeshError, from_status

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ("mesh", "gateway", "station_svc", "transaction_svc", "auth_svc", "notification_svc", "deploy", "simulator")
_WORD = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")

NOT_SENT = {
    *("STATION_OFFLINE", "STATION_NOT_FOUND", "NOT_IN_VERSION", "INVALID_FIELD", "INVALID_PAYLOAD"),
    *(
        "STATION_PENDING",
        "STATION_REJECTED",
        "TOO_MANY_COMMANDS",
        "NOT_SENT",
        "REQUEST_ID_REUSED",
        "USE_ROTATE_CREDENTIAL",
        "USE_SET_VARIABLES",
        "USE_SET_NETWORK_PROFILE",
    ),
    *(
        "SECURITY_PROFILE_LOWERED",
        "CREDENTIAL_MISSING",
        "CLIENT_CERTIFICATE_MISSING",
        "FIRMWARE_UPDATE_EXISTS",
        "FIRMWARE_PUBLICATION_EXISTS",
        "LOG_UPLOAD_EXISTS",
        "VARIABLE_REPORT_EXISTS",
    ),
    "TRANSACTION_NOT_FOUND",
}
SENT = {"CALL_TIMEOUT", "STATION_DISCONNECTED", "CALL_ERROR", "INVALID_ANSWER"}
ANSWERED = {"CALL_ERROR", "INVALID_ANSWER"}
FINAL = {
    *("NOT_IN_VERSION", "INVALID_FIELD", "INVALID_PAYLOAD", "USE_ROTATE_CREDENTIAL", "USE_SET_VARIABLES"),
    *(
        "USE_SET_NETWORK_PROFILE",
        "SECURITY_PROFILE_LOWERED",
        "INVALID_STATION_ID",
        "UNKNOWN_REPORT",
        "SCHEMA_VIOLATION",
        "VALUE_OUT_OF_RANGE",
    ),
    *("OTHER_VERSION", "FRAME_TRUNCATED", "MESSAGE_UNREADABLE", "ITEM_UNREADABLE", "QUARANTINED", "MEND_LIMIT_REACHED"),
    *("CSR_UNREADABLE", "CSR_SIGNATURE_WRONG", "CSR_KEY_WEAK", "CSR_SUBJECT_WRONG", "CERTIFICATE_TYPE_NOT_SIGNED"),
    *("OCSP_REQUEST_INVALID", "CSR_KEY_REVOKED", "CLIENT_CERTIFICATE_UNREADABLE"),
    "ROLE_BUILT_IN",
    *("INVALID_FILTER", "INVALID_REQUEST", "UNKNOWN_PATH", "UNKNOWN_METHOD", "UNKNOWN_FIELD", "TOO_LARGE", "NOT_GRPC"),
    *("TENANT_REMOVED", "TENANT_BUILT_IN"),
}
RETRYABLE = {
    *("STATION_OFFLINE", "TOO_MANY_COMMANDS", "CALL_TIMEOUT", "STATION_DISCONNECTED", "NOT_SENT"),
    *("LOCAL_LIST_REFUSED", "JOB_TIMEOUT", "JOB_LOST", "CREDENTIAL_CHECKS_BUSY", "NODE_LEASE_EXPIRED"),
    *("WRONG_RESULTS", "CHANNEL_CLOSED", "GATEWAY_UNAVAILABLE", "EVENT_NOT_FOUND", "TOO_MANY_ATTEMPTS"),
    *("TOO_MANY_REQUESTS", "TOO_MANY_CALLS", "TOO_MANY_STREAMS"),
    *("DATABASE_UNAVAILABLE", "SERVICE_STOPPING", "TOO_SLOW", "SERVICE_AWAY", "NO_ANSWER_IN_TIME"),
    *("CALLER_UNKNOWN", "GRANTS_CHANGED", "CONDITION_SOURCE_UNAVAILABLE"),
    *("INVALID_MESH_TOKEN", "TENANTS_NOT_KNOWN"),
    *("CERTIFICATE_LIMIT_REACHED", "CLIENT_CERTIFICATE_NOT_YET_VALID", "REVOCATION_UNKNOWN"),
    *("OCSP_RESPONDER_UNAVAILABLE", "OCSP_RESPONSE_INVALID", "CERTIFICATE_PROVIDER_UNAVAILABLE"),
}
# Reasons that no comment of the contract names: those of the front door's own answers (deploy/local_replies.py),
FRONT_DOOR = {
    *("FORBIDDEN", "UNKNOWN_PATH", "UNKNOWN_METHOD", "UNKNOWN_FIELD", "TOO_SLOW", "TOO_LARGE", "NOT_GRPC"),
    *("SERVICE_AWAY", "NO_ANSWER_IN_TIME"),
}
# those that any method may fail with,
ANY_METHOD = {
    *("INVALID_REQUEST", "DATABASE_UNAVAILABLE", "SERVICE_STOPPING", "INTERNAL", "UNKNOWN"),
    *("TOO_MANY_REQUESTS", "TOO_MANY_CALLS", "TENANTS_NOT_KNOWN", "CALLER_UNKNOWN", "GRANTS_CHANGED"),
}
# those between services and gateways, which act on the gRPC code or on nothing,
WITHIN_MESH = {
    *("NODE_LEASE_EXPIRED", "CHANNEL_CLOSED", "WRONG_RESULTS", "WRONG_ANSWER", "UNKNOWN_REPORT", "QUARANTINED"),
    *("CREDENTIAL_CHECKS_BUSY", "INVALID_MESH_TOKEN", "CALLER_NOT_ALLOWED"),
}
# and those that are stored as the failure of a job or of an item.
STORED = {
    *("JOB_LOST", "JOB_TIMEOUT", "JOB_ABANDONED", "CANCELLED", "CREDENTIAL_REFUSED", "SUPERSEDED", "OUTCOME_UNKNOWN"),
    *("ITEM_FAILED", "ITEM_UNREADABLE", "MESSAGE_UNREADABLE"),
}


@pytest.mark.parametrize("reason", Reason)
def test_properties_of_a_reason(reason: Reason) -> None:
    assert (reason.sent is Sent.NO, reason.sent is Sent.YES) == (reason in NOT_SENT, reason in SENT)
    assert (reason.was_answered, reason.is_final) == (reason in ANSWERED, reason in FINAL)
    assert (reason.retry is Retry.LATER) == (reason in RETRYABLE)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_its_name_and_has_a_description_of_one_line(reason: Reason) -> None:
    assert reason == reason.name == f"{reason}"
    assert re.fullmatch(r"[A-Za-z][^\n]{10,80}\.|.*: begin anew\.", reason.description)


def test_a_reason_survives_the_wire() -> None:
    error = from_status(MeshError(grpc.StatusCode.ABORTED, Reason.CALL_ERROR, "it would not").to_status())
    assert error.reason is Reason.CALL_ERROR


def test_a_reason_of_a_later_release_passes_through() -> None:
    error = MeshError(grpc.StatusCode.ABORTED, reason_of("NOT_KNOWN_YET"), "so it is", {"cause": "OTHER"})
    status = error.to_status().SerializeToString()
    again = from_status(type(error.to_status()).FromString(status))
    assert isinstance(again.reason, UnlistedReason)
    assert (again.reason, str(again), again.metadata) == (
        "NOT_KNOWN_YET",
        "NOT_KNOWN_YET: so it is",
        {"cause": "OTHER"},
    )
    assert again.to_status().SerializeToString() == status
    assert (again.reason.sent, again.reason.was_answered, again.reason.is_final) == (Sent.UNKNOWN, False, False)


def _sources() -> Iterator[tuple[Path, ast.AST]]:
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts and path.name != "error_reasons.py":
                yield path, ast.parse(path.read_text())


def test_no_code_spells_a_reason_as_text() -> None:
    """An error is raised and compared with a member of Reason. SQL, which is text, is held by its own tests."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path, tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in set(Reason)
    ]
    assert found == []


def test_only_texts_from_outside_become_unlisted_reasons() -> None:
    """So that `reason_of` is no way around the enumeration: it takes no text that stands in the code."""
    found = []
    for path, tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                literal = node.func.id == "reason_of" and isinstance(node.args[0], ast.Constant)
                if literal or node.func.id == "UnlistedReason":
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_each_reason_is_used() -> None:
    used = {
        node.attr
        for _path, tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason"
    }
    lua = (ROOT / "envoy" / "body-fields.lua").read_text()
    assert {reason.name for reason in Reason} - used - set(_WORD.findall(lua)) == set()


def _contract() -> tuple[set[str], set[str]]:
    """Words of the contract's comments, and the words that its enumerations' values end with."""
    words, values = set(), set()
    for path in sorted((ROOT / "proto" / "csms").rglob("*.proto")):
        for line in path.read_text().splitlines():
            code, _, comment = line.partition("//")
            words |= set(_WORD.findall(comment))
            values |= set(re.findall(r"^\s*([A-Z][A-Z0-9_]+) = ", code))
    endings = {
        "_".join(parts[first:]) for parts in (value.split("_") for value in values) for first in range(len(parts))
    }
    return words, endings


_BUF_RULES = {"RPC_RESPONSE_STANDARD_NAME", "RPC_REQUEST_RESPONSE_UNIQUE"}


def test_each_reason_that_the_contract_names_exists() -> None:
    words, values = _contract()
    others = {code.name for code in grpc.StatusCode} | _BUF_RULES
    unknown = {word for word in words - values - others - set(Reason) if not word.startswith("CSMS_")}
    assert unknown == set()


def test_the_contract_names_each_reason_that_it_has_to() -> None:
    words, _values = _contract()
    assert {*Reason} - words == FRONT_DOOR | ANY_METHOD | WITHIN_MESH | STORED


def test_reasons_of_the_front_doors_script_exist() -> None:
    lua = (ROOT / "envoy" / "body-fields.lua").read_text()
    given = set(re.findall(r'refuse(?:_field)?\("(\w+)"', lua)) | set(re.findall(r'reason = "(\w+)"', lua))
    assert given <= set(Reason)
    assert len(given) > 3
