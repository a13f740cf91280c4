"""Every operator RPC, found by reflection, with every kind of caller, over gRPC, gRPC-web and REST.

Refused is refused with the right status everywhere, and no answer of a refusal has a trace of data. A new RPC is walked
without an edit here; a new kind of caller is one more row in `visitors`.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import grpc
import pytest
from csms.options.v1 import options_pb2
from csms.options.v1.options_pb2 import Permission
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from joserfc import jwt
from joserfc.jwk import ECKey

from mesh.identity.callers import Role
from mesh.identity.operators import ALGORITHM, AUDIENCE, ISSUER
from mesh.identity.permissions import permissions_of
from tests.front_door.conftest import PLATFORM_PASSWORD
from tests.front_door.test_grpc import WithMetadata
from tests.front_door.walk import ADMITTED, Doors, Rpc, Visitor, required_fields
from tests.running_mesh import RunningMesh

PASSWORD = "a long and quiet secret"
MARK = "walkmark"
# What a caller that is let in may get; everything else has to be refused without a trace of data.
DATA = {"stationId": f"{MARK}-station", "displayName": f"{MARK}-name"}
WITHIN_S = 5.0
# No reading of a clock is that exact, and neither is a call under load.
MARGIN_S = 1.0
OWN = frozenset({options_pb2.PERMISSION_OWN_ACCOUNT})

Bearer = dict[str, str]


class Administration:
    """The work of an administrator over REST before the walk."""

    def __init__(self, mesh: RunningMesh, bearer: Bearer) -> None:
        self._mesh = mesh
        self._bearer = bearer

    def post(self, path: str, body: Any) -> Any:
        """The answer to a POST, which succeeds; something that is there already is as good."""
        answer = self._mesh.request("POST", path, body=body, **self._bearer)
        assert answer.status in (200, 409), answer
        return answer.json

    def user(self, name: str, **roles: Any) -> Bearer:
        """A new user's access token."""
        self.post("/v1/auth:register", {"username": name, "password": PASSWORD, **roles})
        return self.login(name)

    def login(self, name: str, **more: str) -> Bearer:
        """An access token of a user of the walk."""
        body = {"username": name, "password": PASSWORD, **more}
        answer = self._mesh.request("POST", "/v1/auth:login", body=body)
        assert answer.status == 200, answer
        return {"authorization": f"Bearer {answer.json['accessToken']}"}

    def custom_role(self, role_id: str, permissions: frozenset[int]) -> Bearer:
        """The access token of a user who has a role of these permissions, and no other."""
        self.post("/v1/roles", {"role": {"roleId": role_id, "permissions": _names(permissions)}})
        return self.user(f"walker-{role_id}", role_assignments=[{"roleId": role_id}])

    def api_key(self, permissions: frozenset[int]) -> Bearer:
        """The header of an API key with these permissions."""
        body = {"apiKey": {"displayName": f"{MARK}-key", "permissions": _names(permissions)}}
        return {"x-api-key": self.post("/v1/apiKeys", body)["secret"]}


def _names(permissions: frozenset[int]) -> list[str]:
    return [Permission.Name(Permission.ValueType(each)) for each in sorted(permissions)]


@pytest.fixture(scope="module")
def rpcs(mesh: RunningMesh, login: Callable[[], str]) -> list[Rpc]:
    """All RPCs that reflection lists."""
    metadata = (("authorization", f"Bearer {login()}"),)
    with grpc.insecure_channel(mesh.target) as channel:
        database = ProtoReflectionDescriptorDatabase(grpc.intercept_channel(channel, WithMetadata(metadata)))
        names = [name for name in database.get_services() if name.startswith("csms.")]
        return [rpc for name in names for rpc in _methods(database, name)]


def _methods(database: ProtoReflectionDescriptorDatabase, service_name: str) -> Iterator[Rpc]:
    file = database.FindFileContainingSymbol(service_name)
    [service] = [each for each in file.service if f"{file.package}.{each.name}" == service_name]
    for method in service.method:
        name = method.input_type.removeprefix(".")
        messages = database.FindFileContainingSymbol(name).message_type
        [request] = [each for each in messages if name.endswith(f".{each.name}")]
        yield Rpc(service=service_name, method=method, required=required_fields(request))


@pytest.fixture(scope="module")
def administration(mesh: RunningMesh, login: Callable[[], str]) -> Administration:
    """An administrator, who has added something that nobody else is to see."""
    administration = Administration(mesh, {"authorization": f"Bearer {login()}"})
    administration.post("/v1/stations", DATA)
    administration.post("/v1/idTokens", {"idToken": {"idToken": f"{MARK}-tag", "type": "Central"}})
    return administration


@pytest.fixture(scope="module")
def visitors(mesh: RunningMesh, administration: Administration) -> list[Visitor]:
    """Every kind of caller."""
    every = permissions_of(Role.ADMINISTRATOR) - OWN
    some = frozenset(sorted(every)[::2])
    return [
        Visitor(name="no token"),
        Visitor(name="garbage", headers={"authorization": "Bearer garbage"}),
        Visitor(name="expired", headers=_signed(mesh, expired=True)),
        Visitor(name="forged", headers=_signed(mesh, forged=True)),
        Visitor(name="revoked", headers=_revoked(mesh, administration)),
        Visitor(name="garbage for an API key", headers={"x-api-key": "garbage"}),
        Visitor(name="an API key that nobody made", headers={"x-api-key": f"csms_{'0' * 8}_{'A' * 43}"}),
        *(
            Visitor(
                name=role.name,
                headers=administration.user(f"walker-{role.name.lower()}", role=f"ROLE_{role.name}"),
                permissions=frozenset(permissions_of(role)),
            )
            for role in Role
            if role is not Role.PLATFORM_ADMINISTRATOR
        ),
        *_outsiders(mesh, administration),
        Visitor(name="custom role", headers=administration.custom_role("some", some), permissions=some | OWN),
        Visitor(
            name="custom role of all others",
            headers=administration.custom_role("others", every - some),
            permissions=(every - some) | OWN,
        ),
        Visitor(name="API key", headers=administration.api_key(some), permissions=some),
        Visitor(name="API key of all others", headers=administration.api_key(every - some), permissions=every - some),
    ]


def _outsiders(mesh: RunningMesh, administration: Administration) -> list[Visitor]:
    """A platform administrator, and the administrator of another tenant."""
    platform = administration.login("platform", password=PLATFORM_PASSWORD, tenantId="platform")
    body = {"tenant": {"tenantId": "walk", "displayName": "Walk"}}
    answer = mesh.request("POST", "/v1/tenants", body=body, **platform)
    assert answer.status == 200, answer
    admin = administration.login("admin", password=answer.json["administratorPassword"], tenantId="walk")
    roles = ((Role.PLATFORM_ADMINISTRATOR, platform), (Role.ADMINISTRATOR, admin))
    return [
        Visitor(
            name=f"{role.name} of another tenant",
            headers=headers,
            permissions=frozenset(permissions_of(role)),
            is_outside=True,
        )
        for role, headers in roles
    ]


def _signed(mesh: RunningMesh, *, expired: bool = False, forged: bool = False) -> Bearer:
    """A token for a sign-in of the administrator: with the right key but too old, or fresh with the id of that key."""
    with closing(sqlite3.connect(f"file:{mesh.data_dir / 'auth.db'}?mode=ro", uri=True)) as database:
        [(private,)] = database.execute("SELECT private_jwk FROM signing_key ORDER BY generation DESC LIMIT 1")
        [(sign_in,)] = database.execute("SELECT session_id FROM session WHERE username_key = 'admin' LIMIT 1")
    key = ECKey.import_key(json.loads(private))
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "admin", "tenant": "default", "role": "ADMINISTRATOR"}
    times = {"iat": int(time.time()) - 1000, "exp": int(time.time()) + (-60 if expired else 600)}
    signer = ECKey.generate_key("P-256") if forged else key
    token = jwt.encode({"alg": ALGORITHM, "kid": key.kid}, {**claims, **times, "sid": sign_in}, signer)
    return {"authorization": f"Bearer {token}"}


def _revoked(mesh: RunningMesh, administration: Administration) -> Bearer:
    """A token that the front door still lets through, of a sign-in that was ended: no service serves it after 5 s."""
    bearer = administration.user("walker-revoked", role="ROLE_ADMINISTRATOR")
    paths = ("/v1/stations", "/v1/transactions", "/v1/users", "/v1/events")
    assert {mesh.request("GET", path, **bearer).status for path in paths} == {200}
    ended_s = time.monotonic()
    assert mesh.request("POST", "/v1/auth:logout", body={}, **bearer).status == 200
    while {mesh.request("GET", path, **bearer).status for path in paths} != {401}:
        assert time.monotonic() - ended_s < WITHIN_S + MARGIN_S
    return bearer


def _faults(doors: Doors, rpc: Rpc, visitor: Visitor) -> list[str]:
    """The answers of one visitor to one RPC that are not as they have to be."""
    expected, faults = visitor.expected(rpc), []
    calls = [doors.by_grpc, doors.by_grpc_web]
    if rpc.has_rest and (expected != ADMITTED or rpc.is_harmless_by_rest()):
        calls.append(doors.by_rest)
    for call in calls:
        outcome = call(rpc, visitor)
        where = f"{rpc.path} {call.__name__} as {visitor.name}"
        # Wrong API keys are limited by their source: refused before they are looked up.
        is_limited = visitor.permissions is None and outcome.reason == "TOO_MANY_ATTEMPTS"
        if outcome.code != expected and not is_limited:
            faults.append(f"{where}: {outcome.code} {outcome.reason} instead of {expected}")
        if (expected != ADMITTED or visitor.is_outside) and MARK.encode() in outcome.data.lower():
            faults.append(f"{where}: a trace of data in {outcome.data!r}")
    return faults


def test_every_rpc_refuses_whoever_may_not_call_it(mesh: RunningMesh, rpcs: list[Rpc], visitors: list[Visitor]) -> None:
    """And lets in whoever may."""
    assert len(rpcs) > 100
    with Doors(mesh.target) as doors, ThreadPoolExecutor(4) as pool:
        walks = [pool.submit(_faults, doors, rpc, visitor) for rpc in rpcs for visitor in visitors]
        faults = [fault for walk in walks for fault in walk.result()]
    assert not faults, "\n".join(faults[:40])


def test_the_walk_has_calls_of_each_outcome(rpcs: list[Rpc], visitors: list[Visitor]) -> None:
    """Each kind of caller is refused somewhere, and each that is somebody is let in somewhere."""
    for visitor in visitors:
        outcomes = {visitor.expected(rpc) for rpc in rpcs if rpc.access.WhichOneof("rule") == "permission"}
        expected = {"UNAUTHENTICATED"} if visitor.permissions is None else {ADMITTED, "PERMISSION_DENIED"}
        assert outcomes == expected
    assert sum(rpc.has_rest and rpc.is_harmless_by_rest() for rpc in rpcs) > len(rpcs) / 2
