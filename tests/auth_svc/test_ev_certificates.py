"""Contract certificates for vehicles, from a provider that is a double on this machine."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from csms.auth.v1.certificate_exchange_service_pb2 import (
    GetEvCertificateItem,
    GetEvCertificateResult,
    GetEvCertificatesRequest,
)
from csms.common.v1 import certificate_pb2
from csms.common.v1.origin_pb2 import Origin

from auth_svc.ev_certificates import EvCertificateProvider, HttpProvider, NoProvider
from auth_svc.settings import AuthSettings
from mesh.runtime.settings import Environment
from tests.auth_svc.conftest import Auth, StartAuth
from tests.http_server import HttpRequest, HttpServer, http_server, ok
from tests.mesh_identities import mesh_environment

SCHEMA = "urn:iso:15118:2:2013:MsgDef"
# Not what anybody may read or write anew: bytes of all values, twice in one base64 or another would be equal bytes.
EXI_REQUEST = b64encode(bytes(range(256)) * 16).decode()
EXI_RESPONSE = b64encode(bytes(reversed(range(256))) * 20).decode()


async def _get(auth: Auth, *actions: certificate_pb2.CertificateAction.ValueType) -> list[GetEvCertificateResult]:
    items = [
        GetEvCertificateItem(
            origin=Origin(tenant_id="default", station_id="CP1"),
            iso15118_schema_version=SCHEMA,
            action=action,
            exi_request=EXI_REQUEST,
        )
        for action in actions
    ]
    return list((await auth.exchange.GetEvCertificates(GetEvCertificatesRequest(items=items))).results)


@asynccontextmanager
async def _provider(answer: Any) -> AsyncIterator[HttpServer]:
    """A provider that answers so: JSON, or a whole answer of HTTP."""

    async def handle(_request: HttpRequest) -> bytes:
        return answer if isinstance(answer, bytes) else ok(json.dumps(answer).encode())

    async with http_server(handle) as server:
        yield server


def _configured(**values: str) -> EvCertificateProvider:
    return AuthSettings.read(Environment(mesh_environment("auth") | values)).ev_certificates


async def test_messages_go_through_unchanged(start_auth: StartAuth) -> None:
    """M01 and M02: of the vehicle to the provider, and back."""
    async with _provider({"status": "Accepted", "exiResponse": EXI_RESPONSE}) as server:
        provider = _configured(
            CSMS_EV_CERTIFICATE_PROVIDER_URL=server.url, CSMS_EV_CERTIFICATE_PROVIDER_TOKEN="provider-token"
        )
        auth = await start_auth(ev_certificates=provider)
        results = await _get(
            auth, certificate_pb2.CERTIFICATE_ACTION_INSTALL, certificate_pb2.CERTIFICATE_ACTION_UPDATE
        )
        assert results == [GetEvCertificateResult(accepted=True, exi_response=EXI_RESPONSE)] * 2
        bodies = sorted((json.loads(request.body) for request in server.requests), key=lambda body: body["action"])
        common = {
            "tenantId": "default",
            "stationId": "CP1",
            "iso15118SchemaVersion": SCHEMA,
            "exiRequest": EXI_REQUEST,
        }
        assert bodies == [common | {"action": "Install"}, common | {"action": "Update"}]
        assert {request.headers["authorization"] for request in server.requests} == {"Bearer provider-token"}


async def test_without_a_provider_there_are_no_certificates(auth: Auth) -> None:
    assert isinstance(_configured(), NoProvider)
    [result] = await _get(auth, certificate_pb2.CERTIFICATE_ACTION_INSTALL)
    assert (result.accepted, result.exi_response, result.reason) == (False, "", "CERTIFICATE_PROVIDER_MISSING")
    assert result.message


async def test_refusal_of_the_provider_reaches_the_vehicle(start_auth: StartAuth) -> None:
    answer = {"status": "Failed", "exiResponse": "gJgD", "message": "the contract has ended"}
    async with _provider(answer) as server:
        auth = await start_auth(ev_certificates=HttpProvider(url=server.url, token=None))
        [result] = await _get(auth, certificate_pb2.CERTIFICATE_ACTION_INSTALL)
        assert "authorization" not in server.requests[0].headers
    assert result == GetEvCertificateResult(
        exi_response="gJgD", reason="CERTIFICATE_PROVIDER_REFUSED", message="the contract has ended"
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"exiResponse": "gJgD"},
        {"status": 1},
        [],
        ok(b"<html>"),
        ok(b"\xff"),
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        b"",
        ok(bytes(70_000)),
    ],
)
async def test_answer_that_is_none_is_a_failure(start_auth: StartAuth, answer: Any) -> None:
    async with _provider(answer) as server:
        auth = await start_auth(ev_certificates=HttpProvider(url=server.url, token=None))
        [result] = await _get(auth, certificate_pb2.CERTIFICATE_ACTION_INSTALL)
    assert (result.accepted, result.reason) == (False, "CERTIFICATE_PROVIDER_UNAVAILABLE")


def test_token_of_the_provider_is_in_no_representation() -> None:
    values = {
        "CSMS_EV_CERTIFICATE_PROVIDER_URL": "https://provider.example.org/",
        "CSMS_EV_CERTIFICATE_PROVIDER_TOKEN": "provider-token",
    }
    assert "provider-token" not in repr(AuthSettings.read(Environment(mesh_environment("auth") | values)))
