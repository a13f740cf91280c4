"""Signing keys: made once, published, replaced, retired."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from csms.auth.v1.authorization_service_pb2 import GetSigningKeysRequest
from csms.auth.v1.user_service_pb2 import GetKeySetRequest, VerifyRequest
from joserfc.jws import extract_compact

from auth_svc import key_store
from auth_svc.keys import PUBLISHED_AFTER_US, PUBLISHED_AHEAD_US, REPLACED_AFTER_US, SigningKeys
from auth_svc.sessions import ACCESS_TOKEN_S
from mesh.database.engine import Database
from mesh.identity.operators import RemoteKeys, TokenVerifier
from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US
from tests.auth_svc.conftest import Auth, StartAuth, bearer
from tests.conftest import FakeClock
from tests.mesh_identities import open_callers_channel


def _key_id(token: str) -> str:
    return str(extract_compact(token.encode()).headers()["kid"])


async def _maintained(database: Database, clock: FakeClock) -> Sequence[key_store.SigningKey]:
    await SigningKeys(database=database, clock=clock).maintain()
    return await database.read(key_store.list_signing_keys)


async def test_replicas_that_start_together_make_one_key(database: Database, clock: FakeClock) -> None:
    replicas = [SigningKeys(database=database, clock=clock) for _ in range(4)]
    await asyncio.gather(*(replica.maintain() for replica in replicas))
    (key,) = await database.read(key_store.list_signing_keys)
    tokens = [await replica.sign({"sub": "x"}) for replica in replicas]
    assert {_key_id(token) for token in tokens} == {key.key_id}


async def test_key_stays_over_a_restart(database: Database, clock: FakeClock) -> None:
    """Access tokens outlive the process that signed them."""
    before = await _maintained(database, clock)
    clock.advance(3600)
    assert await _maintained(database, clock) == before


async def test_next_key_is_published_ahead_and_the_last_stays_after(database: Database, clock: FakeClock) -> None:
    """The whole life of a rotation, at its moments."""
    keys = SigningKeys(database=database, clock=clock)
    await keys.maintain()
    first = _key_id(await keys.sign({}))
    clock.us += REPLACED_AFTER_US
    await keys.maintain()
    published = [key["kid"] for key in json.loads(await keys.jwks_json())["keys"]]
    assert len(published) == 2
    assert _key_id(await keys.sign({})) == first
    clock.us += PUBLISHED_AHEAD_US
    assert _key_id(await keys.sign({})) == published[1] != first
    clock.us += PUBLISHED_AFTER_US - 1
    assert len(await _maintained(database, clock)) == 2
    clock.us += 1
    assert [key.key_id for key in await _maintained(database, clock)] == [published[1]]


def test_replaced_key_outlives_what_it_signed() -> None:
    """The last token of a key must be verifiable to its end."""
    assert PUBLISHED_AFTER_US > ACCESS_TOKEN_S * SECOND_US


async def test_replica_learns_of_anothers_key(database: Database, clock: FakeClock) -> None:
    """A token signed by one replica is verified by another that has not seen the key."""
    signing, verifying = (SigningKeys(database=database, clock=clock) for _ in range(2))
    await signing.maintain()
    await verifying.maintain()
    clock.us += REPLACED_AFTER_US
    await signing.maintain()
    clock.us += PUBLISHED_AHEAD_US
    key_id = _key_id(await signing.sign({}))
    assert key_id in {key.kid for key in (await verifying.keys(key_id)).keys}


async def test_key_set_is_public_and_the_same_on_both_ports(auth: Auth) -> None:
    """RFC 7517, for Envoy and for the mesh, without the private part, to callers without a token."""
    body = await auth.users.GetKeySet(GetKeySetRequest())
    assert body.content_type == "application/json"
    (key,) = json.loads(body.data)["keys"]
    assert {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256"}.items() <= key.items()
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    response = await auth.authorization.GetSigningKeys(GetSigningKeysRequest())
    assert json.loads(response.jwks_json) == json.loads(body.data)


async def test_other_services_verify_tokens_across_a_rotation(auth: Auth) -> None:
    """RemoteKeys fetches a new key when a token names it, and forgets the old one with the next set."""
    async with open_callers_channel(auth.mesh_address, "auth") as channel:
        remote = RemoteKeys(channel=channel, clock_s=lambda: auth.clock() / SECOND_US)

        async def verify(token: str) -> str:
            # A verifier without a memory of the token itself.
            verifier = TokenVerifier(keys=remote, clock_s=lambda: 0)
            return (await verifier.verify(token)).username

        old = (await auth.login()).access_token
        assert await verify(old) == "admin"
        auth.clock.us += REPLACED_AFTER_US
        await _maintained(auth.database, auth.clock)
        auth.clock.us += PUBLISHED_AHEAD_US
        new = (await auth.login()).access_token
        assert _key_id(new) != _key_id(old)
        assert [await verify(new), await verify(old)] == ["admin", "admin"]
        auth.clock.us += PUBLISHED_AFTER_US
        await _maintained(auth.database, auth.clock)
        fresh = RemoteKeys(channel=channel, clock_s=lambda: auth.clock() / SECOND_US)
        with pytest.raises(MeshError, match="INVALID_TOKEN"):
            await TokenVerifier(keys=fresh, clock_s=lambda: 0).verify(old)
        assert (await TokenVerifier(keys=fresh, clock_s=lambda: 0).verify(new)).username == "admin"


async def test_replicas_believe_each_others_tokens(start_auth: StartAuth) -> None:
    """A client's calls may reach any replica."""
    first, second = await start_auth(), await start_auth()
    login = await first.login()
    assert (await second.users.Verify(VerifyRequest(), metadata=bearer(login))).user.username == "admin"
