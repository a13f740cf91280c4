"""REST at the front door: answers, errors in JSON with the status that fits, what is let in and what is not."""

import json
from urllib.parse import quote

import pytest

from tests.front_door.conftest import DEVELOPMENT_ORIGIN
from tests.running_mesh import RunningMesh

Bearer = dict[str, str]


def test_healthz_needs_no_token(mesh: RunningMesh) -> None:
    """200 and JSON while every process is healthy."""
    answer = mesh.request("GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "SERVING"})
    assert answer.headers["content-type"] == "application/json"


def test_the_front_page_says_where_things_are(mesh: RunningMesh) -> None:
    """To callers that do not ask for HTML; browsers get the dashboard (tests/dashboard/)."""
    assert mesh.request("GET", "/").json["health"] == "/healthz"


def test_the_key_set_is_public(mesh: RunningMesh) -> None:
    """As JSON, without private parts."""
    keys = mesh.request("GET", "/v1/auth/keys").json["keys"]
    assert keys
    assert all(key["kty"] == "EC" and "d" not in key for key in keys)


def test_a_wrong_password_is_the_services_own_answer(mesh: RunningMesh) -> None:
    """google.rpc.Status in JSON, with its ErrorInfo."""
    answer = mesh.request("POST", "/v1/auth:login", body={"username": "admin", "password": "wrong-password"})
    assert (answer.status, answer.json["code"], answer.reason) == (401, 16, "WRONG_CREDENTIALS")
    assert answer.json["details"][0]["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert answer.json["details"][0]["domain"] == "csms"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer a.b.c"}, {"authorization": "Basic YWRtaW46eA=="}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/stations"),
        ("GET", "/v1/stations/X"),
        ("POST", "/v1/stations/X:requestStart"),
        ("GET", "/v1/transactions"),
        ("GET", "/v1/idTokens"),
        ("GET", "/v1/users"),
        ("POST", "/v1/auth:verify"),
    ],
)
def test_nothing_without_a_token(mesh: RunningMesh, method: str, path: str, headers: dict[str, str]) -> None:
    """401 before any service is asked."""
    answer = mesh.request(method, path, body={} if method == "POST" else None, **headers)
    assert (answer.status, answer.json["code"], answer.reason) == (401, 16, "INVALID_TOKEN")
    assert answer.headers["content-type"] == "application/json"


def test_a_token_in_the_url_is_none(mesh: RunningMesh, token: str) -> None:
    """URLs get around: into logs, histories, referrers."""
    assert mesh.request("GET", f"/v1/stations?access_token={token}").status in {400, 401}


def test_a_tampered_token(mesh: RunningMesh, token: str) -> None:
    """A signature that does not fit."""
    head, payload, signature = token.split(".")
    flipped = ("A" if signature[5] != "A" else "B").join((signature[:5], signature[6:]))
    answer = mesh.request("GET", "/v1/stations", authorization=f"Bearer {head}.{payload}.{flipped}")
    assert (answer.status, answer.reason) == (401, "INVALID_TOKEN")


def test_an_unknown_station(mesh: RunningMesh, bearer: Bearer) -> None:
    """404 with the reason of the contract."""
    answer = mesh.request("GET", "/v1/stations/nobody", **bearer)
    assert (answer.status, answer.json["code"], answer.reason) == (404, 5, "STATION_NOT_FOUND")


def test_local_lists(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """A sync is asked for and read, and waits for a station that keeps no list or is not connected."""
    path = f"/v1/stations/{station_id}/localList"
    asked = mesh.request("POST", f"{path}:sync", body={"requestId": "rest"}, **bearer)
    assert asked.status == 200, asked
    assert asked.json["requestId"] == "rest"
    known = mesh.request("GET", path, **bearer)
    assert known.status == 200, known
    assert (known.json["stationId"], known.json["requestId"]) == (station_id, "rest")
    assert mesh.request("GET", f"{path}/entries", **bearer).status == 200


def test_rollouts(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """Created for a later time, read, paused, resumed and stopped."""
    body = {
        "filter": f'station_id = "{station_id}"',
        "variables": {"variables": [{"variable": "HeartbeatInterval", "value": "300"}]},
        "startTime": "2099-01-01T00:00:00Z",
    }
    created = mesh.request("POST", "/v1/rollouts", body=body, **bearer)
    assert created.status == 200, created
    assert created.json["state"] == "ROLLOUT_STATE_SCHEDULED"
    path = f"/v1/rollouts/{created.json['rolloutId']}"
    steps = (
        ("pause", "ROLLOUT_STATE_PAUSED"),
        ("resume", "ROLLOUT_STATE_SCHEDULED"),
        ("stop", "ROLLOUT_STATE_STOPPED"),
    )
    for verb, state in steps:
        assert mesh.request("POST", f"{path}:{verb}", body={}, **bearer).json["state"] == state
    assert mesh.request("GET", path, **bearer).json["progress"]["total"] == 1
    [target] = mesh.request("GET", f"{path}/targets", **bearer).json["targets"]
    assert target["stationId"] == station_id
    assert created.json["rolloutId"] in [
        one["rolloutId"] for one in mesh.request("GET", "/v1/rollouts", **bearer).json["rollouts"]
    ]
    assert mesh.request("GET", "/v1/rollouts/none", **bearer).reason == "ROLLOUT_NOT_FOUND"


def test_meter_profiles(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """Set, read, listed and removed; a wrong one is named by its field."""
    path = "/v1/meterProfiles"
    profile = {"vendorName": "FD", "model": "M", "sampledExponent": 3, "evseKind": "EVSE_KIND_AC"}
    made = mesh.request("PUT", path, body=profile, **bearer)
    assert made.status == 200, made
    assert made.json["updatedBy"] == "admin"
    own = f"{path}/{made.json['meterProfileId']}"
    assert mesh.request("GET", own, **bearer).json == made.json
    query = "filter=vendor_name%20%3D%20%22fd%22"
    assert mesh.request("GET", f"{path}?{query}", **bearer).json["meterProfiles"] == [made.json]
    refused = mesh.request("PUT", path, body=profile | {"maxPowerW": 5_000_000}, **bearer)
    assert (refused.status, refused.reason) == (400, "INVALID_FIELD")
    assert mesh.request("DELETE", own, **bearer).status == 200
    assert mesh.request("GET", own, **bearer).reason == "METER_PROFILE_NOT_FOUND"
    missing = mesh.request("POST", f"/v1/stations/{station_id}/transactions/0:reassess", body={}, **bearer)
    assert (missing.status, missing.reason) == (404, "TRANSACTION_NOT_FOUND")


def test_energy_rollups(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """Of all stations and of one; a wrong time zone is named."""
    span = "startTime=2026-01-01T00:00:00Z&endTime=2026-02-01T00:00:00%2B01:00"
    query = f"{span}&timeZone=Europe/Berlin&group=ROLLUP_GROUP_TOTAL"
    for path in ("/v1/energyRollups", f"/v1/stations/{station_id}/energyRollups"):
        found = mesh.request("GET", f"{path}?{query}&granularity=ROLLUP_GRANULARITY_DAY", **bearer)
        assert found.status == 200, found
        assert found.json["energyRollups"] == []
    refused = mesh.request("GET", f"{path}?{query.replace('Berlin', 'Atlantis')}", **bearer)
    assert (refused.status, refused.reason) == (400, "INVALID_FIELD")
    assert mesh.request("GET", "/v1/energyRollups", **bearer).reason == "INVALID_FIELD"


def test_reservations_and_charging_profiles(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """By the paths of the contract, in its JSON; the station is not there, and none is made."""
    reservation = {"evseId": 1, "idToken": {"idToken": "T"}, "expireTime": "2099-01-01T00:00:00Z"}
    path = f"/v1/stations/{station_id}"
    made = mesh.request("POST", f"{path}/reservations", body={"reservation": reservation}, **bearer)
    assert (made.status, made.reason) == (400, "STATION_OFFLINE")
    assert mesh.request("GET", f"{path}/reservations?filter=state=ACTIVE", **bearer).json["reservations"] == []
    assert mesh.request("GET", f"{path}/reservations/7", **bearer).reason == "RESERVATION_NOT_FOUND"
    cancelled = mesh.request("POST", f"{path}/reservations/7:cancel", body={}, **bearer)
    assert (cancelled.status, cancelled.reason) == (404, "RESERVATION_NOT_FOUND")
    schedule = {"chargingRateUnit": "CHARGING_RATE_UNIT_WATTS", "periods": [{"limit": 7400.5}]}
    profile = {
        "purpose": "CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE",
        "kind": "CHARGING_PROFILE_KIND_RELATIVE",
        "schedules": [schedule],
    }
    for method, body in (
        ("setChargingProfile", {"evseId": 1, "chargingProfile": profile}),
        ("clearChargingProfile", {"criteria": {"evseId": 1}}),
        ("getCompositeSchedule", {"evseId": 1, "durationS": 60}),
        ("cancelReservation", {"reservationId": 7}),
    ):
        answer = mesh.request("POST", f"{path}:{method}", body=body, **bearer)
        assert (answer.status, answer.reason) == (400, "STATION_OFFLINE"), method
    assert mesh.request("GET", f"{path}/chargingProfiles", **bearer).json["chargingProfiles"] == []


def test_a_resource_is_its_own_answer(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """The contract's response_body: no wrapping object, zeros and empty lists present."""
    station = mesh.request("GET", f"/v1/stations/{station_id}", **bearer).json
    assert station["stationId"] == station_id
    assert station["connected"] is False
    assert station["displayName"] == ""


def test_a_changed_resource_is_its_own_answer(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """With what an escaped string may do to it."""
    name = 'a "quoted" {"station":{}} näme'
    answer = mesh.request(
        "PATCH", f"/v1/stations/{station_id}?updateMask=displayName", body={"displayName": name}, **bearer
    )
    assert answer.status == 200, answer
    assert answer.json["displayName"] == name
    back = mesh.request(
        "PATCH", f"/v1/stations/{station_id}?updateMask=displayName", body={"displayName": ""}, **bearer
    )
    assert back.json["displayName"] == ""


def test_lists_are_not_unwrapped(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """They have a page token beside the list."""
    answer = mesh.request("GET", "/v1/stations?pageSize=1", **bearer).json
    assert set(answer) == {"stations", "nextPageToken"}
    assert len(answer["stations"]) == 1


def test_an_id_token_goes_all_the_way(mesh: RunningMesh, bearer: Bearer) -> None:
    """Create, read, delete, gone; the id has characters that need escaping."""
    path = "/v1/idTokens/" + quote("A b/ü:1", safe="")
    body = {"idToken": {"idToken": "A b/ü:1", "type": "ISO14443", "status": "Accepted"}}
    assert mesh.request("POST", "/v1/idTokens", body=body, **bearer).json["idToken"] == "A b/ü:1"
    assert mesh.request("GET", path, **bearer).json["type"] == "ISO14443"
    again = mesh.request("POST", "/v1/idTokens", body=body, **bearer)
    assert (again.status, again.reason) == (409, "ID_TOKEN_EXISTS")
    assert mesh.request("DELETE", path, **bearer).status == 200
    assert mesh.request("GET", path, **bearer).reason == "ID_TOKEN_NOT_FOUND"


def test_an_offline_station_takes_no_command(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """A clear 4xx with its reason."""
    body = {"idToken": {"idToken": "T"}, "evseId": 1}
    answer = mesh.request("POST", f"/v1/stations/{station_id}:requestStart", body=body, **bearer)
    assert (answer.status, answer.reason) == (400, "STATION_OFFLINE")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/bogus"),
        ("GET", "/bogus"),
        ("PUT", "/v1/stations/X"),
        ("GET", "/v1/stations/X/bogus"),
        ("GET", "/ocpp"),
    ],
)
def test_unknown_paths(mesh: RunningMesh, bearer: Bearer, method: str, path: str) -> None:
    """404 in the shape of all errors."""
    answer = mesh.request(method, path, **bearer)
    assert (answer.status, answer.json["code"], answer.reason) == (404, 5, "UNKNOWN_PATH")


def test_a_path_that_is_not_utf8(mesh: RunningMesh, bearer: Bearer) -> None:
    """The transcoder passes it on, and no protobuf text can hold it."""
    answer = mesh.request("GET", "/v1/stations/%ff", **bearer)
    assert (answer.status, answer.reason) == (400, "INVALID_REQUEST")


def test_an_unknown_query_parameter(mesh: RunningMesh, bearer: Bearer) -> None:
    """A typing error is said, not passed over."""
    answer = mesh.request("GET", "/v1/stations?pagesize=1", **bearer)
    assert (answer.status, answer.reason) == (400, "INVALID_REQUEST")
    assert "pagesize" in answer.json["message"]


@pytest.mark.parametrize("body", [b"{not json", b'{"username": 5, "password": []}', b"[1]"])
def test_a_body_that_is_not_what_it_should_be(mesh: RunningMesh, body: bytes) -> None:
    """400, that says so, with Envoy's own words for what is wrong."""
    answer = mesh.request("POST", "/v1/auth:login", body=body)
    assert (answer.status, answer.json["code"]) == (400, 3)
    said, _, why = answer.json["message"].partition(": ")
    assert said == "the request cannot be read"
    assert why


def test_a_body_that_is_too_large(mesh: RunningMesh, bearer: Bearer) -> None:
    """Over 1 MiB: 413, before it is read to its end."""
    answer = mesh.request("POST", "/v1/stations", body={"stationId": "x" * 1_100_000}, **bearer)
    assert (answer.status, answer.reason) == (413, "TOO_LARGE")


def test_headers_that_are_too_large(mesh: RunningMesh) -> None:
    """Over 32 KiB: 431."""
    assert mesh.request("GET", "/healthz", x_long="x" * 40_000).status == 431


def test_json_on_a_grpc_path(mesh: RunningMesh, bearer: Bearer) -> None:
    """Said clearly: 415, and without a token 401."""
    path = "/csms.station.v1.StationService/GetStation"
    answer = mesh.request("POST", path, body={"stationId": "X"}, **bearer)
    assert (answer.status, answer.reason) == (415, "NOT_GRPC")
    assert mesh.request("POST", path, body={"stationId": "X"}).status == 401


@pytest.mark.parametrize(
    "path", ["/v1/stations", "/v1/stations/X:requestStart", "/csms.station.v1.StationService/GetStation"]
)
def test_preflight_from_an_allowed_origin(mesh: RunningMesh, path: str) -> None:
    """Without a token: a browser sends none."""
    answer = mesh.request(
        "OPTIONS",
        path,
        origin=DEVELOPMENT_ORIGIN,
        access_control_request_method="POST",
        access_control_request_headers="authorization,content-type,x-grpc-web,grpc-timeout",
    )
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == DEVELOPMENT_ORIGIN
    allowed = {name.strip() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type", "x-grpc-web", "grpc-timeout"} <= allowed


def test_errors_can_be_read_from_an_allowed_origin(mesh: RunningMesh) -> None:
    """Also those that Envoy answers itself; gRPC's headers are exposed."""
    answer = mesh.request("GET", "/v1/stations", origin=DEVELOPMENT_ORIGIN)
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == DEVELOPMENT_ORIGIN
    exposed = answer.headers["access-control-expose-headers"]
    assert all(name in exposed for name in ("grpc-status", "grpc-message", "grpc-status-details-bin"))


def test_other_origins_are_not_allowed(mesh: RunningMesh, bearer: Bearer) -> None:
    """No header that a browser would let the answer through for."""
    answer = mesh.request("GET", "/v1/stations", origin="http://elsewhere.example", **bearer)
    assert "access-control-allow-origin" not in answer.headers
    preflight = mesh.request(
        "OPTIONS", "/v1/stations", origin="http://elsewhere.example", access_control_request_method="GET"
    )
    assert "access-control-allow-origin" not in preflight.headers


def test_errors_are_whole_json(mesh: RunningMesh) -> None:
    """One object, whose length is the one that the header says."""
    answer = mesh.request("GET", "/v1/stations")
    assert set(json.loads(answer.body)) == {"code", "message", "details"}
    assert int(answer.headers["content-length"]) == len(answer.body)


COMMANDS = {
    "firmwareUpdates": ("updateFirmware", {"firmware": {"location": "ftp://example.org/f"}}),
    "logUploads": ("getLog", {"log": {"remoteLocation": "ftp://example.org/"}, "logType": "LOG_TYPE_SECURITY"}),
}


@pytest.mark.parametrize("resources", COMMANDS)
def test_firmware_and_logs(mesh: RunningMesh, bearer: Bearer, station_id: str, resources: str) -> None:
    """A command to a station that is not connected makes nothing; lists are there for one station and for all."""
    command, body = COMMANDS[resources]
    answer = mesh.request("POST", f"/v1/stations/{station_id}:{command}", body=body, **bearer)
    assert (answer.status, answer.reason) == (400, "STATION_OFFLINE")
    for place in (station_id, "-"):
        answer = mesh.request("GET", f"/v1/stations/{place}/{resources}?filter=state%20%3D%20ACCEPTED", **bearer)
        assert (answer.status, answer.json) == (200, {resources: [], "nextPageToken": ""})
    answer = mesh.request("GET", f"/v1/stations/{station_id}/{resources}/-1", **bearer)
    assert answer.status == 404
    assert answer.reason in {"FIRMWARE_UPDATE_NOT_FOUND", "LOG_UPLOAD_NOT_FOUND"}


def test_security_events(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """A list, with a filter that names a word of an enumeration."""
    path = f"/v1/stations/{station_id}/securityEvents?filter=criticality%20%3D%20CRITICAL"
    answer = mesh.request("GET", path, **bearer)
    assert (answer.status, answer.json) == (200, {"securityEvents": [], "nextPageToken": ""})


def test_certificates(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    """The authority is its own answer, with a root and without its key; lists are there, of stations and of all."""
    answer = mesh.request("GET", "/v1/certificateAuthority", **bearer)
    assert answer.status == 200
    assert answer.json["rootCertificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in str(answer.json)
    for path, name in (
        ("/v1/issuedCertificates", "issuedCertificates"),
        (f"/v1/stations/{station_id}/installedCertificates", "installedCertificates"),
        (f"/v1/stations/{station_id}/certificateRequests", "certificateRequests"),
    ):
        answer = mesh.request("GET", path, **bearer)
        assert (answer.status, answer.json) == (200, {name: [], "nextPageToken": ""})
    body = {"certificateType": "INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE", "certificate": "nothing"}
    answer = mesh.request("POST", f"/v1/stations/{station_id}:installCertificate", body=body, **bearer)
    assert (answer.status, answer.reason) == (400, "INVALID_FIELD")
    answer = mesh.request("POST", f"/v1/stations/{station_id}:rotateCredential", body={"handOver": True}, **bearer)
    assert (answer.status, answer.reason) == (400, "STATION_OFFLINE")


def test_events_without_a_transaction_are_listed(mesh: RunningMesh, token: str) -> None:
    """Of all stations and of one; and a generation of a transaction is asked for in the query."""
    bearer = {"authorization": f"Bearer {token}"}
    for path in ("/v1/unmatchedEvents", "/v1/stations/NOBODY/unmatchedEvents?pageSize=5"):
        answer = mesh.request("GET", path, **bearer)
        assert answer.status == 200, answer
        assert list(answer.json["unmatchedEvents"]) == []
    answer = mesh.request("GET", "/v1/stations/NOBODY/transactions/1?generation=2", **bearer)
    assert (answer.status, answer.reason) == (404, "TRANSACTION_NOT_FOUND")
