"""Every method of the mesh's services, in five running processes, called with the proof of each part and with none."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.status_pb2 import Status
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import extract_compact

from deploy.mesh_keys import MeshKeys
from mesh.contract.options import callers_of
from mesh.contract.published import contract_files
from mesh.contract.services import MESH_SERVICES
from mesh.identity.key_files import OPTIONAL_PARTS, PARTS, PublicKeyFolder
from mesh.identity.mesh_identity import SECRET_KEY, TOKEN_KEY, MeshIdentity
from mesh.runtime.errors import from_status
from mesh.runtime.settings import Environment, MeshSettings
from tests.conftest import FakeClock
from tests.gateway.rig import MeshRig, running_mesh
from tests.mesh_identities import identity_of, mesh_settings
from tests.notification_svc.rig import start_notifications

# The callers of each method by another source than the contract: a method that is opened to a further part, or a new
# one, is added here on purpose.
_GATEWAY_ONLY = {
    "station.v1.StationIngestService": (
        "RenewNodeLease OpenConnections CloseConnections NotifyBoots NotifyStatuses StreamNotifyStatuses TransferData "
        "NotifyReports RequestCertificates RecordSightings RecordMessages"
    ),
    "transaction.v1.TransactionIngestService": (
        "RecordTransactionEvents StreamRecordTransactionEvents RecordMeterValues StreamRecordMeterValues "
        "RecordAuthorizations CountOpenTransactions FindEvseTransactions"
    ),
    "auth.v1.AuthorizationService": "Authorize StreamAuthorize",
    "auth.v1.CertificateAuthorityService": "CheckClientCertificates ListClientAuthorities",
    "auth.v1.CertificateExchangeService": "GetCertificateStatuses CheckContractCertificates GetEvCertificates",
}
# The parts that verify callers of operator services. A simulator is not in every mesh.
_VERIFIERS = frozenset({"station", "transaction", "notification", "simulator"})
CALLERS: Mapping[str, frozenset[str]] = {
    f"/csms.{service}/{method}": frozenset({"gateway"})
    for service, methods in _GATEWAY_ONLY.items()
    for method in methods.split()
} | {
    "/csms.transaction.v1.TransactionIngestService/NotifyStationEvents": frozenset({"gateway", "station"}),
    "/csms.transaction.v1.TransactionIngestService/FindTransaction": frozenset({"station"}),
    "/csms.auth.v1.AuthorizationService/ListTokensForLocalLists": frozenset({"station"}),
    "/csms.auth.v1.AuthorizationService/FindReaderForms": frozenset({"station"}),
    "/csms.auth.v1.AuthorizationService/GetSigningKeys": _VERIFIERS,
    "/csms.auth.v1.CallerService/ResolveCaller": _VERIFIERS,
    "/csms.auth.v1.CallerService/ListCallerChanges": _VERIFIERS,
    "/csms.auth.v1.CertificateAuthorityService/SignCertificates": frozenset({"station"}),
    "/csms.auth.v1.CertificateAuthorityService/ListRevokedCertificates": frozenset({"station"}),
    "/csms.auth.v1.TenantDirectoryService/GetTenantDirectory": frozenset({"gateway", *_VERIFIERS}),
    "/csms.auth.v1.TenantDirectoryService/ReportTenantErasure": frozenset({"station", "transaction", "notification"}),
    "/csms.auth.v1.DriverErasureDirectoryService/ListPendingDriverErasures": frozenset(
        {"station", "transaction", "notification"}
    ),
    "/csms.auth.v1.DriverErasureDirectoryService/ReportDriverErasure": frozenset(
        {"station", "transaction", "notification"}
    ),
    "/csms.event.v1.EventIngestService/PublishEvents": frozenset({"station", "transaction", "auth"}),
    "/csms.station.v1.PlacementIngestService/RecordPlacements": frozenset({"station"}),
    "/csms.condition.v1.ConditionSourceService/FindConditions": frozenset({"notification"}),
    "/csms.condition.v1.ConditionSourceService/CountFoundConditions": frozenset({"notification"}),
    "/csms.gateway.v1.GatewayService/Call": frozenset({"station"}),
    "/csms.gateway.v1.GatewayService/CloseSockets": frozenset({"station"}),
    "/csms.gateway.v1.GatewayService/TranslateMessage": frozenset({"transaction"}),
}
# Each method with each part that serves it.
SERVED = [
    (method, part)
    for part, services in MESH_SERVICES.items()
    for method in CALLERS
    if method.partition("/")[2].partition("/")[0] in services
]

Metadata = tuple[tuple[str, str | bytes], ...]


def test_callers_are_those_that_are_decided_here() -> None:
    services = [name for names in MESH_SERVICES.values() for name in names]
    assert callers_of(contract_files(), services) == CALLERS
    assert {method for method, _ in SERVED} == CALLERS.keys()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The end of a call."""

    code: grpc.StatusCode
    reason: str
    text: str

    @property
    def is_let_in(self) -> bool:
        """Whether the call came to its servicer, whatever that made of an empty request."""
        return self.code not in {
            grpc.StatusCode.UNAUTHENTICATED,
            grpc.StatusCode.PERMISSION_DENIED,
            grpc.StatusCode.UNIMPLEMENTED,
        }


@pytest.fixture
async def channels(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Mapping[str, grpc.aio.Channel]]:
    """A channel without any proof to the mesh port of each process."""
    async with AsyncExitStack() as stack:
        mesh = await stack.enter_async_context(running_mesh(f"sqlite:///{tmp_path / 'test.db'}"))
        notifications = await start_notifications(stack, f"sqlite:///{tmp_path / 'notification.db'}", clock)
        addresses = _addresses(mesh) | {"notification": notifications.mesh_address}
        yield {
            part: await stack.enter_async_context(grpc.aio.insecure_channel(address))
            for part, address in addresses.items()
        }


def _addresses(mesh: MeshRig) -> dict[str, str]:
    settings = mesh.gateway_settings
    return {
        "station": settings.station_address,
        "transaction": settings.transaction_address,
        "auth": settings.auth_address,
        "gateway": f"127.0.0.1:{mesh.gateway.mesh_port}",
    }


async def _call(channel: grpc.aio.Channel, method: str, metadata: Metadata) -> Answer:
    """The answer to an empty request."""
    if "/Stream" in method:
        call: Any = channel.stream_stream(method)(metadata=metadata, timeout=60)
        try:
            await call.write(b"")
            if await call.read() is not grpc.aio.EOF:
                call.cancel()
                return Answer(code=grpc.StatusCode.OK, reason="", text="")
        except (grpc.aio.AioRpcError, grpc.aio.UsageError):
            pass  # its status says more
    else:
        unary: Any = channel.unary_unary(method)
        call = unary(b"", metadata=metadata, timeout=60)
    code, trailing = await call.code(), await call.trailing_metadata()
    details = dict(trailing or ()).get("grpc-status-details-bin")
    reason = "" if details is None else str(from_status(_status(details)).reason)
    return Answer(code=code, reason=reason, text=await call.details() or "")


def _status(details: Any) -> Any:
    return Status.FromString(details)


@pytest.mark.parametrize("part", [*PARTS, *OPTIONAL_PARTS])
async def test_each_part_may_call_the_methods_that_are_for_it_and_no_other(
    channels: Mapping[str, grpc.aio.Channel], part: str
) -> None:
    let_in, denied = set(), set()
    for method, server in SERVED:
        answer = await _call(channels[server], method, identity_of(part).proofs(server)())
        if answer.is_let_in:
            let_in.add((method, server))
        elif (answer.code, answer.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_ALLOWED"):
            denied.add((method, server))
    assert let_in == {(method, server) for method, server in SERVED if part in CALLERS[method]}
    assert denied == set(SERVED) - let_in


def _changed(token: str, key: ECKey, **claims: Any) -> str:
    """A token with other claims, signed anew."""
    signed = extract_compact(token.encode())
    known = {**jwt.decode(token, _public(token)).claims, **claims}
    return jwt.encode(dict(signed.headers()), known, key)


def _public(token: str) -> ECKey:
    key_id = extract_compact(token.encode()).headers()["kid"]
    folder = mesh_settings("gateway").public_keys
    assert folder is not None
    return PublicKeyFolder(folder, clock_s=time.time).keys[key_id].key


def _private(part: str) -> ECKey:
    path = mesh_settings(part).key_file
    assert path is not None
    return ECKey.import_key(path.read_bytes())


def _token(part: str, audience: str, *, seconds_ago: float = 0.0) -> str:
    identity = MeshIdentity(mesh_settings(part), clock_s=lambda: time.time() - seconds_ago)
    [(_, token)] = identity.proofs(audience)()
    return str(token)


def _of_a_stranger(part: str, folder: Path) -> MeshIdentity:
    """A process of this part in another mesh."""
    keys = MeshKeys(folder / "of a stranger")
    keys.make()
    return MeshIdentity(MeshSettings.read(Environment(keys.settings(part)), part))


def _invalid(method: str, server: str, tmp_path: Path) -> Iterator[tuple[str, Metadata]]:
    """Metadata of every kind that proves nothing to the server of a method, made from its own rightful caller."""
    caller = min(CALLERS[method])
    token, own = _token(caller, server), _private(caller)
    header, claims, signature = token.split(".")
    tokens = {
        "garbage": "garbage",
        "empty": "",
        "unsigned": f"{header}.{claims}.",
        "of another signature": f"{header}.{claims}.{signature[::-1]}",
        "expired": _token(caller, server, seconds_ago=301),
        "of the future": _token(caller, server, seconds_ago=-60),
        "for another part": _token(caller, next(part for part in PARTS if part != server)),
        "for all": _changed(token, own, aud=list(PARTS)),
        "for too long": _changed(token, own, exp=int(time.time()) + 3600),
        "for ever": _changed(token, own, exp=None),
        "in another's name": _changed(token, own, iss=next(part for part in PARTS if part != caller)),
        "forged with the id of a key": _changed(token, ECKey.generate_key("P-256")),
        "signed with the public key": _signed_with_public_key(token, claims),
    }
    yield "nothing", ()
    yield "an operator's header", (("authorization", f"Bearer {token}"),)
    yield "the secret of earlier releases, which is not set", ((SECRET_KEY, "s" * 40),)
    yield "a stranger's keys", _of_a_stranger(caller, tmp_path).proofs(server)()
    yield from ((name, ((TOKEN_KEY, each),)) for name, each in tokens.items())


def _signed_with_public_key(token: str, claims: str) -> str:
    """The oldest forgery of such tokens: the public key, which everyone has, as the secret of an HMAC."""
    key_id = extract_compact(token.encode()).headers()["kid"]
    header = urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": key_id}).encode()).decode().rstrip("=")
    code = hmac.digest(_public(token).as_pem(private=False), f"{header}.{claims}".encode(), "sha256")
    return f"{header}.{claims}.{urlsafe_b64encode(code).decode().rstrip('=')}"


async def test_nothing_else_proves_a_part(channels: Mapping[str, grpc.aio.Channel], tmp_path: Path) -> None:
    """No method answers without a valid proof, and each refusal is the same, whatever was wrong."""
    let_in, answers = set(), set()
    for method, server in SERVED:
        for name, metadata in _invalid(method, server, tmp_path):
            answer = await _call(channels[server], method, metadata)
            answers.add(answer)
            if answer.is_let_in:
                let_in.add((method, server, name, answer))
    assert let_in == set()
    assert [(one.code, one.reason) for one in answers] == [(grpc.StatusCode.UNAUTHENTICATED, "INVALID_MESH_TOKEN")]


async def test_health_is_open_and_unknown_methods_are_unknown(channels: Mapping[str, grpc.aio.Channel]) -> None:
    for part, channel in channels.items():
        assert (await _call(channel, "/grpc.health.v1.Health/Check", ())).code is grpc.StatusCode.OK
        caller = next(iter(PARTS))
        unknown = await _call(channel, "/csms.no.Service/Method", identity_of(caller).proofs(part)())
        assert unknown.code is grpc.StatusCode.UNIMPLEMENTED
