"""A fleet that moves here with the passwords it has, or the hashes of them: one by one, or as a table."""

import asyncio
import base64
import hashlib
import time
from collections.abc import Sequence

import argon2
import bcrypt
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from csms.station.v1 import station_pb2
from csms.station.v1.station_ingest_service_pb2 import OpenConnectionItem, OpenConnectionResult
from csms.station.v1.station_service_pb2 import (
    CreateStationRequest,
    ImportedStation,
    ImportStationsRequest,
    ListStationsRequest,
    RotateCredentialRequest,
)

from mesh.runtime.errors import MeshError, from_status
from station_svc.api import newcomers
from station_svc.core.digests import HASH, WEAK, StoredCredential
from station_svc.features.credentials import imported_passwords, password_checks
from station_svc.features.credentials.imported_passwords import is_strong, proves, store_hash, store_password
from station_svc.features.credentials.password_checks import Proofs
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem, attempt, fails_with, of_tenant, reason_of
from tests.station_svc.tls_attempts import over_tls

WEAK_WORD, STRONG_WORD = "1234", "kV9-tQ2m!xR7pL4sWz"
STRENGTH = station_pb2.CredentialStrength
NONE = station_pb2.CREDENTIAL_STRENGTH_UNSPECIFIED
STRONG = station_pb2.CREDENTIAL_STRENGTH_STRONG
IS_WEAK = station_pb2.CREDENTIAL_STRENGTH_WEAK
UNKNOWN = station_pb2.CREDENTIAL_STRENGTH_UNKNOWN
USUAL = imported_passwords.HASHER
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2id with the least it takes: these tests are about what is done with it."""
    monkeypatch.setattr(imported_passwords, "HASHER", FAST)


async def _comes(system: StationSystem, station_id: str, password: bytes, username: str = "") -> str:
    """The reason why a station is refused; empty where it is let in."""
    [result] = await system.attempt(attempt(station_id, credential=password, username=username))
    return reason_of(result)


async def _kept(system: StationSystem, station_id: str) -> StoredCredential:
    query = sa.select(models.station.c.credential_salt, models.station.c.credential_digest)
    one = query.where(models.station.c.station_id == station_id)
    row = (await system.database.read(lambda connection: connection.execute(one).all()))[0]
    return StoredCredential(salt=row[0], digest=row[1])


async def _strength(system: StationSystem, station_id: str) -> int:
    return (await system.station(station_id)).credential_strength


async def _listed(system: StationSystem, strength: str) -> list[str]:
    request = ListStationsRequest(filter=f'credential_strength = "{strength}"')
    return [station.station_id for station in (await system.stations.ListStations(request)).stations]


# --- one by one ----------------------------------------------------------------------------------------------------


async def test_a_weak_password_is_taken_and_listed(system: StationSystem) -> None:
    """Kept as argon2id, not as what a fast machine reads back; nothing is printed, since the operator knows it."""
    assert await system.create("CP1", credential=WEAK_WORD) == ""
    stored = await _kept(system, "CP1")
    assert (stored.salt, stored.digest[:10]) == (WEAK, "$argon2id$")
    assert await _comes(system, "CP1", WEAK_WORD.encode(), "CP1") == ""
    for wrong in (b"1235", b"", b"12345", stored.digest.encode()):
        assert await _comes(system, "CP1", wrong, "CP1") == "WRONG_CREDENTIALS", wrong
    assert await _comes(system, "CP1", WEAK_WORD.encode(), "CP2") == "WRONG_CREDENTIALS"
    await system.create("CP2")
    await system.create("CP3", credential=STRONG_WORD)
    await system.create("CP4", security_profile=0)
    strengths = [await _strength(system, f"CP{number}") for number in (1, 2, 3, 4)]
    assert strengths == [IS_WEAK, STRONG, STRONG, NONE]
    assert (await _listed(system, "WEAK"), await _listed(system, "STRONG")) == (["CP1"], ["CP2", "CP3"])
    assert await _listed(system, "CREDENTIAL_STRENGTH_UNSPECIFIED") == ["CP4"]
    assert (await system.station("CP1")).quirks == {}  # a password that is not hexadecimal is no decoded one


async def test_a_rotation_ends_it(system: StationSystem) -> None:
    """A credential of ours takes the station off the list of weak ones."""
    await system.create("CP1", credential=WEAK_WORD)
    assert await _comes(system, "CP1", WEAK_WORD.encode()) == ""
    rotated = await system.stations.RotateCredential(RotateCredentialRequest(station_id="CP1"))
    assert await _strength(system, "CP1") == STRONG
    assert await _comes(system, "CP1", WEAK_WORD.encode()) == "WRONG_CREDENTIALS"
    assert await _comes(system, "CP1", rotated.credential.encode()) == ""


async def test_a_hexadecimal_password_may_come_decoded(system: StationSystem) -> None:
    """Quirk 7, of passwords that were brought along too."""
    await system.create("CP1", credential="CAFE0123")
    assert await _comes(system, "CP1", b"CAFE0123") == ""
    assert await _comes(system, "CP1", bytes.fromhex("CAFE0123")) == ""
    assert await _comes(system, "CP1", b"CAFE0124") == "WRONG_CREDENTIALS"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"credential": "x", "credential_hash": "$2b$"}, "credential_hash"),
        ({"credential": "a\nb"}, "credential"),
        ({"credential": "x" * 129}, "credential"),
        ({"credential": "x", "security_profile": 0}, "security_profile"),
        ({"credential_hash": "5f4dcc3b5aa765d61d8327deb882cf99"}, "credential_hash"),
        ({"credential_hash": "$argon2id$v=19$m=1048576,t=3,p=1$c2FsdHNhbHQ$aGFzaA"}, "credential_hash"),
        ({"credential_hash": "$2b$20$" + "a" * 53}, "credential_hash"),
        ({"credential_hash": "pbkdf2_sha256$99999999$salt$aGFzaA=="}, "credential_hash"),
    ],
)
def test_what_is_no_credential(fields: dict[str, object], name: str) -> None:
    """Refused by the field's name; hashes also where each check would keep this system busy."""
    renamed = {"credential": "password", "credential_hash": "password_hash"}
    newcomer = newcomers.Newcomer(station_id="CP1", **{renamed.get(key, key): value for key, value in fields.items()})  # type: ignore[arg-type]
    with pytest.raises(MeshError) as caught:
        newcomers.check(newcomer)
    assert caught.value.metadata["field"] == name


# --- hashes that other systems made ----------------------------------------------------------------------------------


def _pbkdf2(name: str, password: str) -> tuple[str, str]:
    """Of Django and of passlib."""
    salt, turns = b"NaCl1234", 1000
    made = hashlib.pbkdf2_hmac(name, password.encode(), salt, turns)
    django = f"pbkdf2_{name}${turns}${salt.decode()}${base64.b64encode(made).decode()}"
    short = [base64.b64encode(part).decode().rstrip("=").replace("+", ".") for part in (salt, made)]
    return django, f"$pbkdf2-{name}${turns}${short[0]}${short[1]}"


def _bcrypt(password: str, letter: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", f"$2{letter}$")


HASHES = [
    FAST.hash(WEAK_WORD),
    PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=argon2.Type.I).hash(WEAK_WORD),
    *(_bcrypt(WEAK_WORD, letter) for letter in "aby"),
    *_pbkdf2("sha256", WEAK_WORD),
    *_pbkdf2("sha512", WEAK_WORD),
]
# Published, so that both sides are not ours: Openwall's crypt_blowfish; Django's and passlib's documentation.
PUBLISHED = [
    ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", b"U*U"),
    ("$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", b"\xff\xff\xa3"),
    ("$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44", b"password"),
]


@pytest.mark.parametrize("text", HASHES, ids=range(len(HASHES)))  # salted: other texts in each of the workers
def test_a_hash_of_each_kind(text: str) -> None:
    """Is proven by its password alone."""
    stored = store_hash("field", text)
    assert (stored.salt, stored.digest) == (HASH, text)
    assert proves(stored, WEAK_WORD.encode()) == WEAK_WORD.encode()
    assert proves(stored, b"1235") is None


@pytest.mark.parametrize(("text", "password"), PUBLISHED)
def test_published_hashes(text: str, password: bytes) -> None:
    """Hashes in the forms that other programs print."""
    stored = store_hash("field", text)
    assert proves(stored, password) is not None
    assert proves(stored, password + b"x") is None


async def test_a_hash_is_judged_when_its_station_comes(system: StationSystem) -> None:
    """Then its password is known, and kept like any other: the cost of the other system's hash is paid once."""
    weak, strong = _bcrypt(WEAK_WORD, "b"), _pbkdf2("sha256", STRONG_WORD)[0]
    await system.create("CP1", credential_hash=weak)
    await system.create("CP2", credential_hash=strong)
    assert await _listed(system, "UNKNOWN") == ["CP1", "CP2"]
    assert await _comes(system, "CP1", b"nothing") == "WRONG_CREDENTIALS"
    assert (await _kept(system, "CP1")).digest == weak
    assert await _comes(system, "CP1", WEAK_WORD.encode()) == ""
    assert await _comes(system, "CP2", STRONG_WORD.encode()) == ""
    assert [await _strength(system, one) for one in ("CP1", "CP2")] == [IS_WEAK, STRONG]
    assert (await _kept(system, "CP1")).digest.startswith("$argon2id$")
    for _again in range(2):
        assert await _comes(system, "CP1", WEAK_WORD.encode()) == ""
    assert await _comes(system, "CP1", b"nothing") == "WRONG_CREDENTIALS"


# --- what it costs ---------------------------------------------------------------------------------------------------


async def test_ten_thousand_come_back(system: StationSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first time no slow hash is computed, however many come; nor for a wrong password that comes again."""
    counted: list[str] = []
    real = imported_passwords.proves

    def counting(stored: StoredCredential, offered: bytes) -> bytes | None:
        counted.append(stored.digest)
        return real(stored, offered)

    monkeypatch.setattr(imported_passwords, "proves", counting)
    ids = [f"CP{number:03}" for number in range(250)]
    await _import(system, "station_id,password", *(f"{one},pw-{one}" for one in ids))
    counted.clear()
    items = [attempt(one, credential=f"pw-{one}".encode()) for one in ids]
    refused = [one for one in await _persist(system, items) if one]
    assert refused == []
    assert len(counted) == len(ids)
    started_s = time.process_time()
    for _turn in range(40):
        assert not any(map(reason_of, await system.attempt(*items)))
    assert len(counted) == len(ids)
    assert time.process_time() - started_s < 60  # 10,000 of them: with argon2id's usual cost it would be minutes
    for _turn in range(5):
        assert await _comes(system, "CP000", b"wrong") == "WRONG_CREDENTIALS"
    assert len(counted) == len(ids) + 1


async def _persist(system: StationSystem, items: Sequence[OpenConnectionItem]) -> list[str]:
    """Stations try to connect until they are admitted or refused for good."""
    waiting, reasons = list(items), []
    while waiting:
        results = await system.attempt(*waiting)
        again = [one for one, result in zip(waiting, results, strict=True) if _is_busy(result)]
        reasons += [reason_of(result) for result in results if not _is_busy(result)]
        assert len(again) < len(waiting)
        waiting = again
    return reasons


def _is_busy(result: OpenConnectionResult) -> bool:
    return reason_of(result) == "CREDENTIAL_CHECKS_BUSY"


async def test_a_flood_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounded number waits, one of each station; the rest comes back later."""
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(_stored: StoredCredential, _offered: bytes) -> bytes | None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()
        return None

    monkeypatch.setattr(imported_passwords, "proves", slow)
    one = StoredCredential(salt=WEAK, digest="$argon2id$")
    known = Proofs(most_waiting=3)
    tasks = [asyncio.create_task(known.compute(("default", f"CP{number}"), b"x", [one])) for number in range(3)]
    await asyncio.sleep(0)
    for station in ("CP9", "CP0"):
        with pytest.raises(MeshError, match="CREDENTIAL_CHECKS_BUSY"):
            await known.compute(("default", station), b"y", [one])
    gate.set()
    await asyncio.gather(*tasks)
    assert known.known(one, b"x") is False
    assert await known.compute(("default", "CP0"), b"y", [one]) is None
    await known.close()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest proofs stay; wrong passwords never push out right ones."""
    monkeypatch.setattr(password_checks, "MOST_RIGHT", 2)
    known = Proofs()
    one, two, three = (StoredCredential(salt=WEAK, digest=FAST.hash(text)) for text in ("1", "2", "3"))
    for stored, word in ((one, b"1"), (two, b"2")):
        known._compute(("default", "CP1"), word, [stored])
    assert known.known(one, b"1") is True
    known._compute(("default", "CP1"), b"3", [three])
    assert [known.known(*pair) for pair in ((one, b"1"), (two, b"2"), (three, b"3"))] == [True, None, True]


@pytest.mark.parametrize(
    ("password", "strong"),
    [
        ("", False),
        ("1234567890123456", False),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", False),
        ("kV9-tQ2m!xR7p", False),
        (STRONG_WORD, True),
        ("0f8a6d3c5b7e9142aa05d3c1", True),
        ("0f8a6d3c5b7e9142", False),
        ("xx-CP-0001-Pa55word!", False),
    ],
)
def test_strength(password: str, strong: bool) -> None:
    """By length and variety, and not where the station's own id is in it."""
    assert is_strong(password, "CP-0001") is strong


def test_what_is_kept_is_slow() -> None:
    """With the cost that is meant for a password of few characters."""
    cost = argon2.extract_parameters(USUAL.hash("x"))
    assert (cost.time_cost, cost.memory_cost, cost.type) == (5, 7168, argon2.Type.ID)
    assert store_password(WEAK_WORD, "CP1").digest != store_password(WEAK_WORD, "CP1").digest


# --- as a table ------------------------------------------------------------------------------------------------------


async def _import(system: StationSystem, *lines: str, **fields: bool) -> list[ImportedStation]:
    request = ImportStationsRequest(csv="\n".join(lines), **fields)
    response = await system.stations.ImportStations(request)
    assert response.added_count + response.refused_count == len(response.stations)
    return list(response.stations)


def _reason(station: ImportedStation) -> str:
    return from_status(station.error).reason if station.HasField("error") else ""


def _field(station: ImportedStation) -> str:
    return from_status(station.error).metadata.get("field", "")


async def test_a_table(system: StationSystem) -> None:
    """A report per line; what is wrong with one keeps no other out; each has its event."""
    await system.create("there")
    report = await _import(
        system,
        "station_id,display_name,security_profile,password,password_hash",
        f"CP1,Car park,1,{WEAK_WORD},",
        '"CP2","Says ""hi"", twice",,,',
        f"CP3,,2,,{_bcrypt('x', 'b')}",
        "CP4,,0,,",
        "there,,,,",
        "",
        "CP1,,,other,",
        "CP/5,,,,",
        "CP6,,9,,",
        "CP7,,,a,b",
        "CP8,,,",
    )
    assert [(one.line, one.station_id, _reason(one)) for one in report] == [
        (2, "CP1", ""),
        (3, "CP2", ""),
        (4, "CP3", ""),
        (5, "CP4", ""),
        (6, "there", "STATION_EXISTS"),
        (8, "CP1", "STATION_EXISTS"),
        (9, "CP/5", "INVALID_FIELD"),
        (10, "CP6", "INVALID_FIELD"),
        (11, "CP7", "INVALID_FIELD"),
        (12, "CP8", "INVALID_FIELD"),
    ]
    assert [_field(one) for one in report[6:]] == ["station_id", "security_profile", "password_hash", "csv"]
    assert [one.credential_strength for one in report[:4]] == [IS_WEAK, STRONG, UNKNOWN, NONE]
    assert [len(one.credential) for one in report[:4]] == [0, 40, 0, 0]
    assert (await system.station("CP2")).display_name == 'Says "hi", twice'
    assert (await system.station("CP3")).security_profile == 2
    assert await _comes(system, "CP1", WEAK_WORD.encode()) == ""
    assert await _comes(system, "CP2", report[1].credential.encode()) == ""
    [third] = await system.attempt(over_tls("CP3", credential=b"x"))
    assert reason_of(third) == ""
    events = [station for _kind, station, _data in await system.events("station.created")]
    assert sorted(events) == ["CP1", "CP2", "CP3", "CP4", "there"]


async def test_a_table_that_is_only_looked_at(system: StationSystem) -> None:
    """validate_only: the same report, without credentials, and nothing is there afterwards."""
    await system.create("CP2")
    await system.stations.CreateStation(CreateStationRequest(station_id="CP3"), metadata=of_tenant("other"))
    lines = ("station_id,password", f"CP1,{WEAK_WORD}", "CP2,x", "CP3,")
    report = await _import(system, *lines, validate_only=True)
    assert [_reason(one) for one in report] == ["", "STATION_EXISTS", ""]
    assert [(one.credential_strength, one.credential) for one in report] == [(IS_WEAK, ""), (NONE, ""), (STRONG, "")]
    with fails_with("STATION_NOT_FOUND"):
        await system.station("CP1")
    assert [_reason(one) for one in await _import(system, *lines)] == ["", "STATION_EXISTS", ""]


@pytest.mark.parametrize("text", ["\ufeffStation_ID;Password\r\nCP1;a;\r\n", "station_id;password\nCP1;a,b\n"])
def test_what_spreadsheets_write(text: str) -> None:
    """A byte order mark, semicolons, capitals in names, line ends of either kind."""
    lines = newcomers.read_table(text)
    assert [line.station_id for line in lines] == ["CP1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n", "station_id"),
        ("name,password\nCP1,x", "'name'"),
        ("password\nx", "station_id"),
        ("station_id,station_id\na,b", "only once"),
        ('station_id\n"CP1', "no table"),
        ("station_id\n" + "\n".join(f"CP{number}" for number in range(1001)), "1000"),
    ],
)
def test_what_is_no_table(text: str, said: str) -> None:
    """Refused as a whole, by saying what is wrong."""
    with pytest.raises(MeshError, match="INVALID_FIELD") as caught:
        newcomers.read_table(text)
    assert said in caught.value.message
    assert caught.value.metadata["field"] == "csv"
