"""Every operator RPC, found by reflection, with every kind of caller, over gRPC, gRPC-web and REST.

Refused is refused with the right status everywhere, and no answer of a refusal has a trace of data. A new RPC is walked
without an edit here; a new kind of caller is one more row in `visitors`.
"""

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from csms.options.v1 import options_pb2
from joserfc import jwt
from joserfc.jwk import ECKey

from auth_svc.key_encryption import read_keys
from auth_svc.key_store import place_of
from deploy.mesh_keys import MeshKeys
from mesh.identity.callers import Role
from mesh.identity.operators import ALGORITHM, AUDIENCE, ISSUER
from mesh.identity.permissions import permissions_of
from tests.front_door.administration import MARK, Administration, Bearer
from tests.front_door.conftest import PLATFORM_PASSWORD
from tests.front_door.revoked_callers import revoked_callers
from tests.front_door.walk import ADMITTED, Doors, Rpc, Visitor
from tests.running_mesh import RunningMesh

# What a caller that is let in may get; everything else has to be refused without a trace of data.
DATA = {"stationId": f"{MARK}-station", "displayName": f"{MARK}-name"}
OWN = frozenset({options_pb2.PERMISSION_OWN_ACCOUNT})


@pytest.fixture(scope="module")
def administration(administration: Administration) -> Administration:
    """An administrator, who has added something that nobody else is to see."""
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
        *revoked_callers(mesh, administration),
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
        newest = "SELECT private_jwk, generation FROM signing_key ORDER BY generation DESC LIMIT 1"
        [(sealed, generation)] = database.execute(newest)
        [(sign_in,)] = database.execute("SELECT session_id FROM session WHERE username_key = 'admin' LIMIT 1")
    ring = read_keys(MeshKeys(mesh.data_dir / "keys").encryption_key.read_text())
    key = ECKey.import_key(json.loads(ring.open(sealed, place_of(generation))))
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "admin", "tenant": "default", "role": "ADMINISTRATOR"}
    times = {"iat": int(time.time()) - 1000, "exp": int(time.time()) + (-60 if expired else 600)}
    signer = ECKey.generate_key("P-256") if forged else key
    token = jwt.encode({"alg": ALGORITHM, "kid": key.kid}, {**claims, **times, "sid": sign_in}, signer)
    return {"authorization": f"Bearer {token}"}


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
