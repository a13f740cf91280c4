"""Tenants through the front door: by REST, by their URL, and by their host name."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.gateway.raw_station import RawStation
from tests.running_mesh import RunningMesh, running_mesh
from tests.waiting import PATIENCE_S, eventually

PASSWORD = "a battery of staples"
HOST = "acme.example.org"
Bearer = dict[str, str]


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh with a platform administrator."""
    with running_mesh(tmp_path_factory.mktemp("tenants"), CSMS_PLATFORM_ADMIN_PASSWORD=PASSWORD) as running:
        yield running


def _log_in(mesh: RunningMesh, username: str, password: str, tenant_id: str = "", **headers: str) -> Bearer:
    body = {"username": username, "password": password, "tenantId": tenant_id}
    answer = mesh.request("POST", "/v1/auth:login", body=body, **headers)
    assert answer.status == 200, answer
    return {"authorization": f"Bearer {answer.json['accessToken']}"}


@pytest.fixture(scope="module")
def platform(mesh: RunningMesh) -> Bearer:
    """The platform administrator."""
    return _log_in(mesh, "platform", PASSWORD, "platform")


@pytest.fixture(scope="module")
def acme(mesh: RunningMesh, platform: Bearer) -> Bearer:
    """The administrator of a tenant with a host name, who logs in by it."""
    made = mesh.request("POST", "/v1/tenants", body={"tenant": {"tenantId": "acme", "hostName": HOST}}, **platform)
    assert made.status == 200, made
    assert made.json["tenant"]["state"] == "TENANT_STATE_ACTIVE"
    # The front door overwrites a caller's value of its own header.
    forged = {"Host": HOST, "X-CSMS-Host": "127.0.0.1"}
    return _log_in(mesh, made.json["administratorUsername"], made.json["administratorPassword"], **forged)


def test_a_login_by_a_host_name_is_the_tenants(mesh: RunningMesh, acme: Bearer) -> None:
    verified = mesh.request("POST", "/v1/auth:verify", body={}, **acme).json
    assert (verified["user"]["username"], verified["user"]["tenantId"]) == ("admin", "acme")
    wrong = mesh.request(
        "POST", "/v1/auth:login", body={"username": "admin", "password": mesh.admin_password}, Host=HOST
    )
    assert (wrong.status, wrong.reason) == (401, "WRONG_CREDENTIALS")


def test_a_tenant_is_changed_by_its_fields(mesh: RunningMesh, platform: Bearer, acme: Bearer) -> None:
    path = "/v1/tenants/acme?update_mask=quotas.maxStations"
    changed = mesh.request("PATCH", path, body={"quotas": {"maxStations": 7, "maxStorageDays": 9}}, **platform)
    assert changed.status == 200
    assert (changed.json["quotas"]["maxStations"], changed.json["quotas"]["maxStorageDays"]) == (7, 0)
    own = mesh.request("PATCH", "/v1/tenant/settings", body={"messageLogDays": 3}, **acme)
    assert own.status == 200, own
    assert own.json["settings"]["messageLogDays"] == 3
    assert mesh.request("GET", "/v1/tenants/acme", **platform).json == own.json
    assert mesh.request("GET", "/v1/tenant", **acme).json == own.json
    refused = mesh.request("GET", "/v1/tenants", **acme)
    assert (refused.status, refused.reason) == (403, "ROLE_TOO_LOW")


@pytest.mark.parametrize("way", ["path", "host"])
async def test_a_station_connects_to_its_tenant(mesh: RunningMesh, acme: Bearer, way: str) -> None:
    station_id = f"FD-{way}"
    address = urlsplit(mesh.ocpp_url)

    async def connected() -> bool:
        answer = await asyncio.to_thread(mesh.request, "GET", f"/v1/stations/{station_id}", **acme)
        return bool(answer.status == 200 and answer.json.get("connected"))

    if way == "path":
        async with RawStation(f"{mesh.ocpp_url}/acme/{station_id}") as station:
            await station.boot()
            await eventually(connected)
    else:
        url = f"ws://{HOST}:{address.port}{address.path}/{station_id}"
        options = {"host": address.hostname, "port": address.port, "subprotocols": [Subprotocol("ocpp1.6")]}
        async with connect(url, **options, open_timeout=PATIENCE_S, proxy=None):  # type: ignore[arg-type]
            await eventually(connected)
    others = await asyncio.to_thread(
        mesh.request, "GET", f"/v1/stations/{station_id}", authorization=f"Bearer {mesh.token()}"
    )
    assert (others.status, others.reason) == (404, "STATION_NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/stations", {"stationId": "FD-SAME"}),
        ("/v1/sites", {"siteId": "same"}),
        ("/v1/roles", {"role": {"roleId": "same", "permissions": ["PERMISSION_STATIONS_READ"]}}),
        ("/v1/idTokens", {"idToken": {"idToken": "SAME", "type": "Central"}}),
        ("/v1/auth:register", {"username": "same", "password": PASSWORD, "role": "ROLE_VIEWER"}),
    ],
)
def test_no_error_tells_that_another_tenant_has_a_name(
    mesh: RunningMesh, acme: Bearer, path: str, body: dict[str, object]
) -> None:
    """A name of one tenant can be added by another, and not twice by the same."""
    for bearer in ({"authorization": f"Bearer {mesh.token()}"}, acme):
        added = mesh.request("POST", path, body=body, **bearer)
        assert added.status == 200, added
        again = mesh.request("POST", path, body=body, **bearer)
        assert again.status == 409, again
