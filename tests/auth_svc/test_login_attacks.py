"""Attacks on logins, at the service's own port: each is harmless to those who log in from where they did before."""

import asyncio
import threading
from collections import Counter
from typing import Literal

import grpc
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from csms.auth.v1.user_service_pb2 import DeleteUserRequest, LoginRequest, RegisterRequest

from auth_svc import known_source_store, models
from auth_svc.housekeeping import retention_task
from auth_svc.login_checks import KNOWN_SOURCE_DAYS
from auth_svc.login_throttle import FREE, OVERALL, PER_SOURCE, PER_USER
from mesh.runtime.errors import from_rpc_error
from tests.auth_svc import conftest
from tests.auth_svc.conftest import PASSWORD, Auth, StartAuth, from_address, refused
from tests.waiting import eventually

EXHAUSTED, UNAUTHENTICATED = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAUTHENTICATED
HOME, ATTACKER = "192.0.2.1", "198.51.100.66"
DAY_S = 86_400
AT_ONCE = 20


class CountingHasher(PasswordHasher):
    """argon2id that counts what it verifies; some of it can be made to wait."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - as the class above has it
        """Counts."""
        self.verified += 1
        return super().verify(hash, password)


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    """The hasher of the services that a test starts."""
    hasher = CountingHasher()
    monkeypatch.setattr(conftest, "FAST_HASHER", hasher)
    return hasher


async def _attack(auth: Auth, tries: list[tuple[str, str]]) -> Counter[grpc.StatusCode]:
    """Wrong logins by address and username, many at once; how often each status came."""
    met: Counter[grpc.StatusCode] = Counter()
    waiting = iter(tries)

    async def work() -> None:
        for address, username in waiting:
            try:
                await auth.login(username, "wrong horse", address=address)
            except grpc.aio.AioRpcError as error:
                met[error.code()] += 1

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return met


async def _networks(auth: Auth) -> list[str]:
    query = sa.select(models.known_source.c.network).order_by(models.known_source.c.network)
    return list(await auth.database.read(lambda connection: connection.execute(query).scalars().all()))


async def test_wrong_logins_elsewhere_do_not_lock_admin_out(hasher: CountingHasher, auth: Auth) -> None:
    """Neither from where admin logged in before, nor from a place that is new."""
    await auth.login(address=HOME)
    met = await _attack(auth, [(ATTACKER, "admin")] * 150)
    assert met == {UNAUTHENTICATED: FREE, EXHAUSTED: 150 - FREE}
    await auth.login(address=HOME)
    await auth.login(address="203.0.113.9")


async def test_a_thousand_made_up_names_lock_nobody_out_and_cost_little(hasher: CountingHasher, auth: Auth) -> None:
    """From one source: no more hashes than its bucket has. Even from there admin logs in, who did so before."""
    await auth.login(address=ATTACKER)
    before = hasher.verified
    met = await _attack(auth, [(ATTACKER, f"made-up-{number}") for number in range(1_000)])
    assert met.total() == 1_000
    assert met[UNAUTHENTICATED] == hasher.verified - before == PER_SOURCE.burst
    await auth.login(address=HOME)

    async def is_served() -> bool:
        try:
            await auth.login(address=ATTACKER)
        except grpc.aio.AioRpcError as error:
            # The limit of calls by real time: for a second, after a thousand of them.
            if from_rpc_error(error).reason != "TOO_MANY_REQUESTS":
                raise
            return False
        return True

    await eventually(is_served)


async def test_names_from_a_thousand_sources_do_not_lock_known_sources_out(hasher: CountingHasher, auth: Auth) -> None:
    """Over all there are no more hashes than the overall bucket has; a source that is new is told when to try again."""
    await auth.login(address=HOME)
    before = hasher.verified
    tries = [(f"10.{number // 250}.{number % 250}.1", f"made-up-{number}") for number in range(1_000)]
    met = await _attack(auth, tries)
    assert met[UNAUTHENTICATED] == hasher.verified - before == OVERALL.burst
    await auth.login(address=HOME)
    with refused(EXHAUSTED, "TOO_MANY_ATTEMPTS"):
        await auth.login(address="203.0.113.9")
    auth.clock.advance(1 / OVERALL.per_s)
    await auth.login(address="203.0.113.9")


async def test_a_right_password_does_not_wait_for_the_attackers_hashes(hasher: CountingHasher, auth: Auth) -> None:
    """Passwords of strangers are verified one after the other, on a thread of their own."""
    await auth.login(address=HOME)
    release, plain = threading.Event(), hasher.verify

    def verify(hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        if threading.current_thread().name.startswith("argon2-strangers"):
            release.wait(60)
        return plain(hash, password)

    hasher.verify = verify  # type: ignore[method-assign]
    attack = asyncio.create_task(_attack(auth, [(f"10.0.0.{n}", f"made-up-{n}") for n in range(40)]))
    try:
        await asyncio.wait_for(auth.login(address=HOME), 60)
    finally:
        release.set()
        await attack


async def test_one_name_from_many_sources_is_throttled_and_does_not_hinder_its_user(
    hasher: CountingHasher, auth: Auth
) -> None:
    await auth.login(address=HOME)
    before = hasher.verified
    await _attack(auth, [(f"10.0.{number // 250}.{number % 250}", "admin") for number in range(300)])
    assert hasher.verified - before == PER_USER.burst
    await auth.login(address=HOME)


async def test_the_answers_show_not_who_exists(hasher: CountingHasher, auth: Auth) -> None:
    """A name that exists and one that does not: the same statuses in the same order, and a hash for each."""

    async def statuses(username: str, address: str) -> list[tuple[grpc.StatusCode, str | None]]:
        found = []
        for _ in range(FREE + 3):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await auth.login(username, "wrong horse", address=address)
            found.append((caught.value.code(), caught.value.details()))
        return found

    real, verified = await statuses("admin", ATTACKER), hasher.verified
    assert await statuses("made-up", "198.51.100.67") == real
    assert hasher.verified == 2 * verified


async def test_addresses_of_one_ipv6_network_are_one_source(hasher: CountingHasher, auth: Auth) -> None:
    """Its owner has all of the /64."""
    met = await _attack(auth, [(f"2001:db8:0:1::{number:x}", "admin") for number in range(1, 101)])
    assert met[UNAUTHENTICATED] == FREE
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await auth.login("admin", "wrong horse", address="2001:db8:0:2::1")


async def test_only_the_front_door_names_an_address(hasher: CountingHasher, auth: Auth) -> None:
    """Without its proof the address of the connection counts, whatever the header names."""
    met: Counter[grpc.StatusCode] = Counter()
    for number in range(FREE + 5):
        (_proof, address) = from_address(f"203.0.113.{number}")
        for metadata in ((address,), (address, ("x-csms-front-door", "guessed"))):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await auth.users.Login(LoginRequest(username="admin", password="wrong"), metadata=metadata)
            met[caught.value.code()] += 1
    assert met == {UNAUTHENTICATED: FREE, EXHAUSTED: 2 * (FREE + 5) - FREE}


async def test_a_known_source_is_shared_by_replicas_and_survives_restarts(start_auth: StartAuth) -> None:
    first, second = await start_auth(), await start_auth()
    await first.login(address=HOME)
    for number in range(OVERALL.burst):
        with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
            await second.login(f"made-up-{number}", "wrong", address=f"10.0.0.{number}")
    with refused(EXHAUSTED, "TOO_MANY_ATTEMPTS"):
        await second.login(address=ATTACKER)
    await second.login(address=HOME)


async def test_known_sources_are_bounded_and_those_of_a_removed_user_go(auth: Auth) -> None:
    """The most recent are kept; one that is not used for a season is forgotten."""
    most = known_source_store.MOST_PER_USER
    admin = (("authorization", f"Bearer {(await auth.login(address=HOME)).access_token}"),)
    request = RegisterRequest(username="vera", password=PASSWORD)
    await auth.users.Register(request, metadata=admin)
    for number in range(most + 3):
        auth.clock.advance(1)
        await auth.login("vera", address=f"10.0.0.{number}")
    assert len(await _networks(auth)) == most + 1
    assert "10.0.0.0" not in await _networks(auth)
    admin = (("authorization", f"Bearer {(await auth.login(address=HOME)).access_token}"),)
    await auth.users.DeleteUser(DeleteUserRequest(username="vera"), metadata=admin)
    assert await _networks(auth) == [HOME]
    retention = retention_task(database=auth.database, clock=auth.clock, outbox_days=7, certificate_days=7)
    auth.clock.advance((KNOWN_SOURCE_DAYS - 2) * DAY_S)
    await auth.login(address=HOME)  # used again
    auth.clock.advance((KNOWN_SOURCE_DAYS - 1) * DAY_S)
    await retention.remove_old()
    assert await _networks(auth) == [HOME]
    auth.clock.advance(2 * DAY_S)
    await retention.remove_old()
    assert await _networks(auth) == []


async def test_a_wrong_password_makes_no_source_known(auth: Auth) -> None:
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await auth.login("admin", "wrong horse", address=ATTACKER)
    assert await _networks(auth) == []


async def test_logins_at_the_same_time_from_a_new_source_record_it_once(auth: Auth) -> None:
    await asyncio.gather(*(auth.login(address=HOME) for _ in range(8)))
    assert await _networks(auth) == [HOME]
