"""Private keys at rest: encrypted by a key from outside of the database, adopted at the start, replaced, and missed."""

import base64
import secrets
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from csms.auth.v1.authorization_service_pb2 import GetSigningKeysRequest
from csms.auth.v1.certificate_authority_service_pb2 import SignCertificateItem, SignCertificatesRequest
from csms.auth.v1.certificate_service_pb2 import GetCertificateAuthorityRequest

from auth_svc import models
from auth_svc.key_encryption import KeyEncryptionError, KeyRing, is_sealed, key_id, read_keys
from auth_svc.keys import SigningKeys
from auth_svc.settings import AuthSettings
from mesh.database.engine import Database
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from tests import certificates
from tests.auth_svc.conftest import Auth, StartAuth
from tests.conftest import FakeClock
from tests.mesh_identities import mesh_environment

FIRST, SECOND = KeyRing(keys=[bytes(32)]), KeyRing(keys=[b"\x01" * 32])
BOTH = KeyRing(keys=[*SECOND.keys, *FIRST.keys])
_COLUMNS = (models.signing_key.c.private_jwk, models.certificate_authority.c.private_key)


async def _stored(database: Database) -> list[str]:
    """All private keys as the database has them."""
    queries = [sa.select(column).order_by(column.table.c.generation) for column in _COLUMNS]
    return await database.read(
        lambda connection: [text for query in queries for text in connection.execute(query).scalars()]
    )


async def _root(auth: Auth) -> str:
    """The authority, which is made where there is none."""
    response = await auth.certificates.GetCertificateAuthority(
        GetCertificateAuthorityRequest(), metadata=await auth.admin()
    )
    return response.certificate_authority.sha256_fingerprint


async def _signs(auth: Auth, station_id: str) -> bool:
    item = SignCertificateItem(
        tenant_id="default", station_id=station_id, common_names=[station_id], csr=certificates.csr(station_id)
    )
    [result] = (await auth.signing.SignCertificates(SignCertificatesRequest(items=[item]))).results
    return not result.HasField("error")


def _key_ids(stored: Sequence[str]) -> set[str]:
    return {text.split(":")[1] for text in stored}


async def test_private_keys_are_stored_encrypted_and_used(start_auth: StartAuth) -> None:
    auth = await start_auth(ring=FIRST)
    await _root(auth)
    stored = await _stored(auth.database)
    assert len(stored) == 2
    assert all(map(is_sealed, stored))
    assert not any("PRIVATE" in text or '"d"' in text for text in stored)
    assert await _signs(auth, "CP1")
    published = (await auth.authorization.GetSigningKeys(GetSigningKeysRequest())).jwks_json
    assert '"d"' not in published


async def test_keys_of_before_are_encrypted_at_the_first_start_with_a_key(start_auth: StartAuth) -> None:
    """They are the same ones: a session of before stays valid, and so does the root that stations trust."""
    plain = await start_auth()
    root, caller = await _root(plain), await plain.admin()
    assert not any(map(is_sealed, await _stored(plain.database)))
    auth = await start_auth(ring=FIRST)
    assert all(map(is_sealed, await _stored(auth.database)))
    await auth.certificates.GetCertificateAuthority(GetCertificateAuthorityRequest(), metadata=caller)
    assert await _root(auth) == root
    assert await _signs(auth, "CP1")


async def test_a_start_without_the_key_is_refused_and_changes_nothing(start_auth: StartAuth) -> None:
    await _root(await start_auth(ring=FIRST))
    before = await _stored((await start_auth(ring=FIRST)).database)
    name = key_id(FIRST.keys[0])
    with pytest.raises(SettingError, match=f"CSMS_KEY_ENCRYPTION_FILE is not set: its file has the key {name}"):
        await start_auth()
    with pytest.raises(SettingError, match=f"the key {name}, which CSMS_KEY_ENCRYPTION_FILE does not name"):
        await start_auth(ring=SECOND)
    auth = await start_auth(ring=FIRST)
    assert await _stored(auth.database) == before


async def test_another_first_key_replaces_the_former_one(start_auth: StartAuth) -> None:
    """Where both are in the file at one start; then the former one is needed no longer."""
    root = await _root(await start_auth(ring=FIRST))
    await start_auth(ring=BOTH)
    auth = await start_auth(ring=SECOND)
    assert _key_ids(await _stored(auth.database)) == {key_id(SECOND.keys[0])}
    assert await _root(auth) == root


async def test_replicas_with_the_keys_in_either_order_work_beside_each_other(start_auth: StartAuth) -> None:
    """How a key is replaced while they run: first all of them know it, then it is the first."""
    knowing = await start_auth(ring=KeyRing(keys=[*FIRST.keys, *SECOND.keys]))
    root = await _root(knowing)
    replacing = await start_auth(ring=BOTH)
    assert await _root(replacing) == root
    caller = await knowing.admin()
    await replacing.certificates.GetCertificateAuthority(GetCertificateAuthorityRequest(), metadata=caller)


async def test_keys_that_are_made_later_are_encrypted_too(database: Database, clock: FakeClock) -> None:
    keys = SigningKeys(database=database, clock=clock, ring=FIRST)
    await keys.maintain()
    await keys.rotate("platform")
    clock.advance(91 * 24 * 3600)
    await keys.maintain()
    stored = await _stored(database)
    assert len(stored) == 2
    assert all(map(is_sealed, stored))


async def test_a_row_is_of_no_use_in_the_place_of_another(start_auth: StartAuth) -> None:
    auth = await start_auth(ring=FIRST)
    table = models.signing_key
    text = FIRST.seal('{"kty":"EC"}', "certificate_authority/1")
    await auth.database.write(lambda connection: connection.execute(sa.update(table).values(private_jwk=text)))
    with pytest.raises(SettingError, match="signing_key/1 has been changed since it was encrypted"):
        await start_auth(ring=FIRST)


def test_each_text_has_a_nonce_of_its_own() -> None:
    assert FIRST.seal("same", "place/1") != FIRST.seal("same", "place/1")
    assert FIRST.open(FIRST.seal("same", "place/1"), "place/1") == "same"
    with pytest.raises(KeyEncryptionError):
        FIRST.open(FIRST.seal("same", "place/1")[:-8] + "AAAAAAA=", "place/1")


def _line(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_file_of_keys_is_read_line_by_line() -> None:
    keys = [secrets.token_bytes(32) for _ in range(2)]
    text = f"# of December\n{_line(keys[0])}\n\n  {_line(keys[1])}  \n{_line(keys[0])}\n"
    assert list(read_keys(text).keys) == keys
    assert "keys" not in repr(read_keys(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it has no key"),
        ("# nothing\n", "it has no key"),
        (_line(bytes(31)), "line 1 is not 32 bytes"),
        (f"{_line(bytes(32))}\nä", "line 2 is not 32 bytes"),
    ],
)
def test_files_that_hold_no_keys(tmp_path: Path, text: str, message: str) -> None:
    """Told at the start, without anything of what stands there."""
    path = tmp_path / "encryption.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SettingError, match=message) as caught:
        _settings(path)
    assert _line(bytes(31))[:8] not in str(caught.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "encryption.key"
    path.write_text(_line(bytes(32)))
    path.chmod(0o644)
    with pytest.raises(SettingError, match="chmod 600"):
        _settings(path)
    path.chmod(0o600)
    assert list(_settings(path).ring.keys) == [bytes(32)]
    with pytest.raises(SettingError, match="cannot read"):
        _settings(tmp_path / "none")


def _settings(path: Path) -> AuthSettings:
    return AuthSettings.read(Environment({**mesh_environment("auth"), "CSMS_KEY_ENCRYPTION_FILE": str(path)}))
