"""REST bodies at the front door: a field that the contract does not know is refused by its name; nothing is done."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from deploy import body_fields
from deploy.envoy_config import TEMPLATES
from mesh.contract.published import CONTRACT
from mesh.contract.services import OPERATOR_SERVICES
from tests.running_mesh import RunningMesh

Bearer = dict[str, str]
TOKEN = {"idToken": {"idToken": "T"}}


def _details(answer: Any, kind: str) -> Mapping[str, Any]:
    [found] = [detail for detail in answer.json["details"] if detail["@type"].endswith(kind)]
    return dict(found)


@pytest.mark.usefixtures("station_id")
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/stations/FD-1:requestStart", {"connectorId": 2, **TOKEN}, "connectorId"),
        ("/v1/stations/FD-1:requestStart", {"idToken": {"idToken": "T", "kind": "Central"}}, "idToken.kind"),
        ("/v1/stations/FD-1/reservations", {"reservation": {"connector": 1}}, "reservation.connector"),
        ("/v1/stations/FD-1:changeAvailability", {"evse": {"evse": {"id": 1}}}, "evse.evse"),
        ("/v1/stations/FD-1:unlockConnector", {"evse": {"EvseId": 1}}, "evse.EvseId"),
        (
            "/v1/stations/FD-1:setVariables",
            {"variables": [{"variable": "A"}, {"variable": "B", "vallue": "1"}]},
            "variables[1].vallue",
        ),
        (
            "/v1/stations/FD-1:setChargingProfile",
            {"chargingProfile": {"schedules": [{"periods": [{"limit": 1}, {"limitA": 1}]}]}},
            "chargingProfile.schedules[0].periods[1].limitA",
        ),
        ("/v1/idTokens", {"idToken": {"idToken": "X"}, "status": "Accepted"}, "status"),
        ("/v1/auth:login", {"username": "admin", "pasword": "x"}, "pasword"),
        ("/v1/stations", {"stationId": "FD-9", 'a"}{': 1}, "a????"),
    ],
)
def test_an_unknown_field(mesh: RunningMesh, bearer: Bearer, path: str, body: dict[str, Any], field: str) -> None:
    """400 with its path; the details have it for programs."""
    answer = mesh.request("POST", path, body=body, **bearer)
    assert (answer.status, answer.json["code"], answer.reason) == (400, 3, "UNKNOWN_FIELD"), answer
    assert answer.json["message"].startswith(f"{field}: ")
    assert _details(answer, "ErrorInfo")["metadata"] == {"field": field}
    assert _details(answer, "BadRequest")["fieldViolations"][0]["field"] == field
    assert answer.headers["content-type"] == "application/json"


def test_nothing_is_done(mesh: RunningMesh, bearer: Bearer) -> None:
    """A station with a misspelt field is not added; the message says which fields there are."""
    answer = mesh.request("POST", "/v1/stations", body={"stationId": "FD-MISSPELT", "displayname": "x"}, **bearer)
    assert (answer.status, answer.reason) == (400, "UNKNOWN_FIELD")
    assert "displayName" in answer.json["message"]
    assert mesh.request("GET", "/v1/stations/FD-MISSPELT", **bearer).status == 404


def test_a_patch_is_checked_by_its_resource(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """The contract says `body: "station"`: the body is a station, not a request."""
    path = f"/v1/stations/{station_id}"
    answer = mesh.request("PATCH", path, body={"station": {"displayName": "x"}}, **bearer)
    assert (answer.status, answer.reason) == (400, "UNKNOWN_FIELD")
    assert mesh.request("PATCH", path, body={"displayName": "x"}, **bearer).json["displayName"] == "x"
    assert mesh.request("PATCH", f"{path}?updateMask=displayName", body={"display_name": ""}, **bearer).status == 200


def test_a_body_where_none_is_taken(mesh: RunningMesh, bearer: Bearer) -> None:
    """DELETE has its parameters in the path."""
    answer = mesh.request("DELETE", "/v1/stations/FD-NONE", body={"force": True}, **bearer)
    assert (answer.status, answer.reason) == (400, "UNKNOWN_FIELD")
    assert mesh.request("DELETE", "/v1/stations/FD-NONE", **bearer).reason == "STATION_NOT_FOUND"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"idToken": "T"}, "idToken"),
        ({"evse": 1, **TOKEN}, "evse"),
        ({"requestId": {"id": "x"}, **TOKEN}, "requestId"),
    ],
)
def test_a_wrong_nesting(mesh: RunningMesh, bearer: Bearer, station_id: str, body: dict[str, Any], field: str) -> None:
    """A value for an object, or an object for a value: named too."""
    answer = mesh.request("POST", f"/v1/stations/{station_id}:requestStart", body=body, **bearer)
    assert (answer.status, answer.reason) == (400, "INVALID_FIELD")
    assert answer.json["message"].startswith(f"{field}: takes ")


def test_a_call_s_payload_is_its_own(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """`Struct` has the station's words, which are checked by OCPP's schema where the station is."""
    payload = {"key": ["A"], "deep": [{"x": [1, {"y": "]}"}]}], 'q"uote\\': None}
    path = f"/v1/stations/{station_id}:call"
    answer = mesh.request("POST", path, body={"action": "X", "payload": payload}, **bearer)
    assert answer.reason == "STATION_OFFLINE"
    assert mesh.request("POST", path, body={"action": "X", "paylod": {}}, **bearer).reason == "UNKNOWN_FIELD"


@pytest.mark.parametrize(
    "body",
    [
        b"{evseId: 1}",
        b"{'evseId': 1}",
        b'{"evseId": 1,}',
        b'{"evseId" 1}',
        b'{"evseId": }',
        b'{"evseId": 1} {"connectorId": 2}',
        b'{"evseId": 1',
        b'{"idToken": {"idToken": "T}}',
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"idToken": ' + b"[" * 1000,
    ],
)
def test_what_is_not_strict_json(mesh: RunningMesh, bearer: Bearer, station_id: str, body: bytes) -> None:
    """The transcoder would take some of these, with names that were not looked at: all are refused."""
    answer = mesh.request("POST", f"/v1/stations/{station_id}:requestStart", body=body, **bearer)
    assert (answer.status, answer.reason) == (400, "INVALID_REQUEST")


def test_an_escaped_name_is_unknown(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """No name of the contract needs an escape; nothing comes past the check in disguise."""
    body = b'{"conn\\u0065ctorId": 2, "idToken": {"idToken": "T"}}'
    answer = mesh.request("POST", f"/v1/stations/{station_id}:requestStart", body=body, **bearer)
    assert (answer.status, answer.reason) == (400, "UNKNOWN_FIELD")


def test_blanks_and_texts_do_not_mislead(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """Quotes, braces and backslashes within texts are text."""
    body = b' {\r\n\t"idToken" : { "idToken":"a\\"},{\\\\" , "type" : null } ,"evse":{},"timeoutS":5 } \n'
    answer = mesh.request("POST", f"/v1/stations/{station_id}:requestStart", body=body, **bearer)
    assert answer.reason == "STATION_OFFLINE"


def test_a_large_body_is_checked_to_its_end(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """Just below the bound of 1 MiB."""
    variables = [{"variable": "V" * 40, "value": str(number)} for number in range(12_000)]
    path = f"/v1/stations/{station_id}:setVariables"
    assert 800_000 < len(json.dumps({"variables": variables})) < 1_048_576
    assert mesh.request("POST", path, body={"variables": variables}, **bearer).reason == "STATION_OFFLINE"
    variables.append({"variable": "W", "vallue": "1"})
    answer = mesh.request("POST", path, body={"variables": variables}, **bearer)
    assert answer.json["message"].startswith("variables[12000].vallue: ")


def test_a_plus_in_a_query_is_a_space(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """As forms and curl's --data-urlencode have it; %2B is a plus."""
    listed = mesh.request("GET", f"/v1/stations?filter=station_id+=+%22{station_id}%22", **bearer)
    assert [station["stationId"] for station in listed.json["stations"]] == [station_id]
    assert mesh.request("GET", "/v1/stations?filter=station_id%20=%20%22A%2BB%22", **bearer).json["stations"] == []


def test_a_stop_of_what_nobody_knows(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """station_svc asks transaction_svc: a mistyped number reaches no station, unless the caller says so."""
    path = f"/v1/stations/{station_id}:requestStop"
    answer = mesh.request("POST", path, body={"transactionId": "4711"}, **bearer)
    assert (answer.status, answer.reason) == (404, "TRANSACTION_NOT_FOUND")
    told = mesh.request("POST", path, body={"transactionId": "4711", "sendUnknown": True}, **bearer)
    assert told.reason == "STATION_OFFLINE"


def test_a_fleet_by_one_call(mesh: RunningMesh, bearer: Bearer) -> None:
    """A table in JSON; `:import` is a verb of all stations, not a station."""
    table = "station_id,password\nFD-FLEET-1,1234\nFD-FLEET-1,5678\n"
    answer = mesh.request("POST", "/v1/stations:import", body={"csv": table}, **bearer)
    assert answer.status == 200, answer
    assert (answer.json["addedCount"], answer.json["refusedCount"]) == (1, 1)
    first, second = answer.json["stations"]
    assert first["credentialStrength"] == "CREDENTIAL_STRENGTH_WEAK"
    assert second["error"]["details"][0]["reason"] == "STATION_EXISTS"
    listed = mesh.request("GET", "/v1/stations?filter=credential_strength=WEAK", **bearer).json["stations"]
    assert [station["stationId"] for station in listed] == ["FD-FLEET-1"]


def test_seen_id_tokens(mesh: RunningMesh, bearer: Bearer) -> None:
    """An empty list, and nothing to add."""
    assert mesh.request("GET", "/v1/seenIdTokens", **bearer).json["seenIdTokens"] == []
    answer = mesh.request("POST", "/v1/seenIdTokens/04%20AB:add", body={}, **bearer)
    assert (answer.status, answer.reason) == (404, "ID_TOKEN_NOT_SEEN")


# --- every call that writes ----------------------------------------------------------------------------------------


def _files() -> descriptor_pb2.FileDescriptorSet:
    return descriptor_pb2.FileDescriptorSet.FromString(CONTRACT.read_bytes())


def _calls() -> list[body_fields.Call]:
    files = _files()
    services = [service for services in OPERATOR_SERVICES.values() for service in services]
    return body_fields.read_calls(files, services, body_fields.all_messages(files))


def _path(call: body_fields.Call) -> str:
    return re.sub(r"%(.)", r"\1", call.pattern.strip("^$").replace("[^/]+", "x"))


def test_each_path_is_its_own_call() -> None:
    """No pattern that stands before a call's own matches its path: Lua's patterns, as Python's."""
    calls = _calls()
    assert len(calls) > 40
    for place, call in enumerate(calls):
        for earlier in calls[:place]:
            python = earlier.pattern.replace("%", "\\")
            assert earlier.method != call.method or not re.fullmatch(python, _path(call)), (earlier, call)


def test_every_writing_call_refuses_an_unknown_field(mesh: RunningMesh, bearer: Bearer) -> None:
    """Calls that the contract gets later are included."""
    for call in _calls():
        answer = mesh.request(call.method, _path(call), body={"noSuchField": 1}, **bearer)
        assert (answer.status, answer.reason) == (400, "UNKNOWN_FIELD"), call


def _samples(fields: Mapping[str, body_fields.Fields], message: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, kind in fields[message].items():
        if kind.startswith(">") and depth < 4:
            yield name, dict(_samples(fields, kind[1:], depth + 1))
        elif kind.startswith("{}"):
            yield name, {}
        elif kind in ("", "*"):
            yield name, None


def test_every_field_of_the_contract_is_known(mesh: RunningMesh, bearer: Bearer) -> None:
    """By both of its names, at any depth: only the transcoder or the service may refuse it, for its value."""
    files = _files()
    messages = body_fields.all_messages(files)
    calls = [call for call in _calls() if call.message and "auth" not in call.pattern]
    fields = body_fields.reachable({call.message for call in calls}, messages)
    for call in calls:
        answer = mesh.request(call.method, _path(call), body=dict(_samples(fields, call.message)), **bearer)
        assert answer.status == 200 or answer.reason != "UNKNOWN_FIELD", (call, answer.body)


def test_the_script_has_no_placeholder_left() -> None:
    """All of it is filled in."""
    files = _files()
    made = body_fields.script((TEMPLATES / "body-fields.lua").read_text(), files, ["csms.station.v1.CommandService"])
    assert "${" not in made
    assert '["payload"]="*"' in made
