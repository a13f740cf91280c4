"""Access tokens, and where their keys come from."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from csms.auth.v1.authorization_service_pb2 import GetSigningKeysRequest, GetSigningKeysResponse
from csms.auth.v1.authorization_service_pb2_grpc import (
    AuthorizationServiceServicer,
    add_AuthorizationServiceServicer_to_server,
)
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from mesh.grpc.types import Context
from mesh.identity.operators import AUDIENCE, ISSUER, KEYS_REFRESH_S, RemoteKeys, TokenVerifier, bearer_token
from mesh.runtime.errors import MeshError

NOW_S = 1_000_000.0
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "vera",
    "tenant": "default",
    "sid": "s",
    "exp": NOW_S + 60,
}


class OneKey:
    """A key source with one key."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", auto_kid=True)
        self.set = KeySet([self.key])

    async def keys(self, key_id: str) -> KeySet:
        """The same keys for every question."""
        return self.set

    def sign(self, key: ECKey | None = None, **claims: Any) -> str:
        """A token with CLAIMS, and others in their stead; None leaves one out."""
        merged = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, merged, key or self.key)


@pytest.fixture
def source() -> OneKey:
    """A key source."""
    return OneKey()


async def _refused(source: OneKey, token: str) -> bool:
    with pytest.raises(MeshError) as caught:
        await TokenVerifier(keys=source, clock_s=lambda: NOW_S).verify(token)
    return caught.value.code is grpc.StatusCode.UNAUTHENTICATED and caught.value.reason == "INVALID_TOKEN"


async def test_token_becomes_its_sign_in(source: OneKey) -> None:
    """And is remembered, since a client sends the same one each time, but not beyond its end."""
    now_s = NOW_S
    verifier = TokenVerifier(keys=source, clock_s=lambda: now_s)
    token = source.sign()
    sign_in = await verifier.verify(token)
    assert (sign_in.username, sign_in.tenant_id, sign_in.sign_in_id) == ("vera", "default", "s")
    assert await verifier.verify(token) is sign_in
    now_s += 60
    with pytest.raises(MeshError, match="expired"):
        await verifier.verify(token)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "someone"},
        {"aud": "others"},
        {"aud": None},
        {"sub": None},
        {"tenant": None},
        {"sid": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": NOW_S},
    ],
)
async def test_token_with_wrong_claims_is_refused(source: OneKey, claims: dict[str, Any]) -> None:
    """Signed by us or not."""
    assert await _refused(source, source.sign(**claims))


async def test_token_signed_with_another_key_is_refused(source: OneKey) -> None:
    """Though it names ours."""
    assert await _refused(source, source.sign(key=ECKey.generate_key("P-256")))


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "....", "eyJhbGciOiJub25lIn0.e30.", "W10.e30.x", "x" * 50_000])
async def test_nonsense_is_refused(source: OneKey, token: str) -> None:
    """Never an error of ours."""
    assert await _refused(source, token)


async def test_symmetric_algorithm_is_refused(source: OneKey) -> None:
    """Else anybody could sign with the public key as the secret."""
    from joserfc.jwk import OctKey  # noqa: PLC0415 - this test only

    public = json.dumps(source.key.as_dict(private=False))
    forged = jwt.encode({"alg": "HS256", "kid": source.key.kid}, CLAIMS, OctKey.import_key(public))
    assert await _refused(source, forged)


def test_bearer_token_is_found() -> None:
    """The scheme in any case; nothing else is one."""
    assert bearer_token([("x", "y"), ("authorization", "bearer  abc ")]) == "abc"
    for value in ("Basic abc", "abc", "Bearer", "Bearer "):
        assert bearer_token([("authorization", value)]) is None
    assert bearer_token(None) is None


class Auth(AuthorizationServiceServicer):
    """Publishes keys, counts who asks, and waits when told to."""

    def __init__(self) -> None:
        self.published = [ECKey.generate_key("P-256", auto_kid=True)]
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False

    async def GetSigningKeys(self, request: GetSigningKeysRequest, context: Context) -> GetSigningKeysResponse:
        """The keys."""
        self.asked += 1
        await self.open.wait()
        if self.broken:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        return GetSigningKeysResponse(jwks_json=json.dumps(KeySet(list(self.published)).as_dict(private=False)))


class Remote:
    """RemoteKeys on a server, with a clock."""

    def __init__(self, auth: Auth, channel: grpc.aio.Channel) -> None:
        self.auth = auth
        self.now_s = 0.0
        self.keys = RemoteKeys(channel=channel, clock_s=lambda: self.now_s)

    async def known(self, key_id: str | None) -> bool:
        """Whether the key set that is given for a key has it."""
        return key_id in {key.kid for key in (await self.keys.keys(str(key_id))).keys}


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    """RemoteKeys on a server of its own."""
    auth = Auth()  # type: ignore[abstract]  # its other method is not called here
    server = grpc.aio.server()
    add_AuthorizationServiceServicer_to_server(auth, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Remote(auth, channel)
    await server.stop(0)


async def test_keys_are_fetched_once(remote: Remote) -> None:
    key_id = remote.auth.published[0].kid
    assert all(await asyncio.gather(*(remote.known(key_id) for _ in range(10))))
    remote.now_s += 1e6
    assert await remote.known(key_id)
    assert remote.auth.asked == 1


async def test_unknown_key_is_looked_for_now_and_then(remote: Remote) -> None:
    """A new key is found; nonsense does not hammer the service that has them."""
    await remote.known("nonsense")
    for _ in range(10):
        assert not await remote.known("nonsense")
    assert remote.auth.asked == 1
    remote.auth.published.append(ECKey.generate_key("P-256", auto_kid=True))
    remote.now_s += KEYS_REFRESH_S + 1
    assert await remote.known(remote.auth.published[1].kid)
    assert remote.auth.asked == 2


async def test_known_key_does_not_wait_for_the_search_for_another(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An auth service that hangs must not stop operators whose keys are here."""
    monkeypatch.setattr("mesh.identity.operators.KEYS_TIMEOUT_S", 60)
    key_id = remote.auth.published[0].kid
    await remote.known(key_id)
    remote.auth.open.clear()
    remote.now_s += KEYS_REFRESH_S + 1
    searching = asyncio.create_task(remote.known("nonsense"))
    while remote.auth.asked < 2:  # noqa: ASYNC110 - the server counts, and has no event for it
        await asyncio.sleep(0.005)
    assert await remote.known(key_id)
    assert not searching.done()
    remote.auth.open.set()
    assert not await searching


async def test_failing_search_does_not_hammer_either(remote: Remote) -> None:
    """While the service is unavailable, one call in a few seconds asks it."""
    await remote.known("x")
    remote.auth.broken = True
    remote.now_s += KEYS_REFRESH_S + 1
    with pytest.raises(MeshError) as caught:
        await remote.known("nonsense")
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert not await remote.known("nonsense")
    assert remote.auth.asked == 2
