"""Metrics of a mesh in which two tenants have the same station and tag: no label and no value names either of them."""

import asyncio
import urllib.request
from collections.abc import Iterator, Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.front_door.administration import Bearer
from tests.gateway.field.kit import start, stop
from tests.gateway.raw_station import RawStation, basic
from tests.running_mesh import RunningMesh, running_mesh

PASSWORD = "a battery of staples"
TENANTS = ("anvilworks", "boltworks")
STATION, TAG = "SAME-POST", "SAME-TAG"
# Words that no label may have; a vendor and a model are the station's own words, too.
WORDS = (*TENANTS, STATION, TAG, "Raw", "Tests", "platform", "default", "admin")


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh of its own, whose metrics no other test has counted in."""
    path = tmp_path_factory.mktemp("metrics")
    with running_mesh(path, CSMS_PLATFORM_ADMIN_PASSWORD=PASSWORD, CSMS_UNKNOWN_TOKENS="accept") as running:
        yield running


def _add_tenants(mesh: RunningMesh) -> Mapping[str, Bearer]:
    """An administrator of each tenant, which has a quota so low that it is reached."""
    login = {"username": "platform", "password": PASSWORD, "tenantId": "platform"}
    platform = {"authorization": f"Bearer {mesh.request('POST', '/v1/auth:login', body=login).json['accessToken']}"}
    found = {}
    for name in TENANTS:
        body = {"tenant": {"tenantId": name, "quotas": {"maxMessagesPerSecond": 1}}}
        made = mesh.request("POST", "/v1/tenants", body=body, **platform)
        assert made.status == 200, made
        login = {"username": "admin", "password": made.json["administratorPassword"], "tenantId": name}
        token = mesh.request("POST", "/v1/auth:login", body=login).json["accessToken"]
        found[name] = {"authorization": f"Bearer {token}"}
    return found


async def _charge(mesh: RunningMesh, tenant: str, credential: str, together: asyncio.Barrier) -> None:
    """A session at the same moment as the other tenant's, and what the gateway counts by a label."""
    url = f"{mesh.ocpp_url}/{tenant}/{STATION}"
    with pytest.raises(Exception, match="401"):
        await RawStation(url, headers=basic(STATION, "wrong")).__aenter__()
    async with RawStation(url, headers=basic(STATION, credential)) as station:
        await station.boot()
        await together.wait()
        number = (await station.call("StartTransaction", start(idTag=TAG)))["transactionId"]
        await together.wait()
        await station.call("StopTransaction", stop(number, idTag=TAG))
        await station.call("StartTransaction", start(idTag=TAG, meterStart="many"))
        await station.send(f'[2, "1", "{STATION}", {{}}]')  # an action that there is not
        assert (await station.receive())[0] == 4


async def _charge_at_once(mesh: RunningMesh, credentials: Mapping[str, str]) -> None:
    together = asyncio.Barrier(len(credentials))
    await asyncio.gather(*(_charge(mesh, name, credential, together) for name, credential in credentials.items()))


def _metrics(mesh: RunningMesh) -> dict[str, str]:
    """The text of each process's metrics, by the name of the process."""
    found = {}
    for process, ports in mesh.status()["ports"].items():
        if "metrics_address" in ports:
            url = f"http://{mesh.address(process, 'metrics_address')}/metrics"
            with urllib.request.urlopen(url, timeout=60) as answer:
                found[process] = answer.read().decode()
    return found


def test_no_metric_names_a_tenant(mesh: RunningMesh) -> None:
    callers = _add_tenants(mesh)
    credentials = {}
    for name, bearer in callers.items():
        added = mesh.request("POST", "/v1/stations", body={"stationId": STATION}, **bearer)
        credentials[name] = added.json["credential"]
        refused = mesh.request("GET", "/v1/tenants", **bearer)
        assert refused.status == 403
    asyncio.run(_charge_at_once(mesh, credentials))
    texts = _metrics(mesh)
    assert set(texts) >= {"gateway", "station", "transaction", "auth", "notification"}
    samples = [
        sample
        for text in texts.values()
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    counted = {(sample.name, *sample.labels.values()) for sample in samples if sample.value}
    for expected in (
        ("csms_gateway_handshake_total", "401"),
        ("csms_gateway_handshake_total", "101"),
        ("csms_gateway_refused_total", "NotImplemented"),
        ("csms_gateway_tenant_quota_total", "delayed"),
    ):
        assert expected in counted, sorted(counted)
    for process, text in texts.items():
        labels = [line for line in text.splitlines() if not line.startswith("#")]
        assert [(process, line) for line in labels for word in WORDS if word.lower() in line.lower()] == []
