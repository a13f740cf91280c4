"""Counts transactions in rollups, in the background. docs/ROLLUPS.md has the rules, docs/adr/0028 the reasons.

A transaction that changes once it has ended is marked as due, in the update that writes it anyway; open ones are
counted again from time to time. Their events are read without a lock. Then, under the locks of their stations, those
that have not changed meanwhile are counted: the difference between their new share and the one before is added, in one
transaction with the new share. So the rollups are the sum of all stored shares at any time, whatever fails when, and a
share is right as soon as its transaction is not due any more.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.database.leader import Leader
from mesh.runtime.background import PeriodicTask
from mesh.runtime.logs import get_logger
from mesh.runtime.times import DAY_US, SECOND_US, Clock
from transaction_svc import rollup_store, store, stored_form
from transaction_svc.rollup_form import NOTHING, QUARTERS_A_DAY, Amounts, Share, decode_share, differences, encode_share
from transaction_svc.rollup_shares import share_of
from transaction_svc.rollup_store import TOTAL, Day
from transaction_svc.store import Key

log = get_logger(__name__)

_EVERY_S = 3.0
_TURNS_BETWEEN_OPEN = 20  # open transactions are looked for once in so many turns
_MOST_FOUND = 200
# Transactions that are counted together: their stations are locked for some milliseconds.
_MOST = 20
# It rests for so many times the time that it has worked: messages need the processors more.
_RESTS = 19
_MISSED_US = 7 * DAY_US
_PROGRESS_S = 60.0
_MOST_LEFT = 1_000_000

Finding = Callable[..., Sequence[Key]]
_Read = Mapping[Key, tuple[str, Share | None]]
"""States of transactions, encoded, and their shares."""


class Rollups:
    """Counts transactions; open ones again `open_s` seconds after they were counted last, or began.

    An open one also has to be longer by `growth` percent than it was then.
    One replica does it, to save work: two that do would only wait for each other.
    """

    def __init__(self, *, database: Database, clock: Clock, open_s: int, growth: int = 50) -> None:
        self._database = database
        self._clock = clock
        self._open_us = open_s * SECOND_US
        self._growth = growth
        self._progress_s = float("-inf")
        self._turns = 0

    async def run(self) -> None:
        """Counts until it is cancelled."""
        leader = Leader(engine=self._database.engine, work=rollup_store.LOCK, check_s=_EVERY_S)

        async def turn() -> None:
            if not await leader.is_leading():
                return
            if not self._turns:
                await self.count_missed(rests=_RESTS)
            await self.count_due(rests=_RESTS)
            if self._turns % _TURNS_BETWEEN_OPEN == 0:
                await self.count_open(rests=_RESTS)
            self._turns += 1

        try:
            await PeriodicTask("rollups", turn, every_s=_EVERY_S).run()
        finally:
            await leader.close()

    async def count_due(self, *, rests: float = 0) -> int:
        """Counts the transactions that have changed since they were counted and are not open; returns their number.

        It rests after each few of them, for `rests` times as long as they took.
        """
        return await self._count_all(rollup_store.find_due, rests)

    async def count_open(self, *, rests: float = 0) -> int:
        """Counts the open transactions whose time has come and that had an event since; likewise."""
        now_us = self._clock()
        before_us = now_us - self._open_us
        finding = partial(rollup_store.find_open, now_us=now_us, before_us=before_us, growth=self._growth)
        return await self._count_all(finding, rests)

    async def count_missed(self, *, rests: float = 0) -> int:
        """Counts what replicas of the release before changed while this one ran, without marking it; likewise."""
        since_us = self._clock() - _MISSED_US
        return await self._count_all(partial(rollup_store.find_missed, since_us=since_us), rests)

    async def _count_all(self, finding: Finding, rests: float) -> int:
        total = 0
        while True:
            found = await self._database.read(partial(finding, limit=_MOST_FOUND))
            counted = 0
            for at in range(0, len(found), _MOST):
                began_s = time.monotonic()
                counted += await self._count_some(found[at : at + _MOST])
                await asyncio.sleep(rests * (time.monotonic() - began_s))
            total += counted
            if len(found) < _MOST_FOUND or not counted:
                return total
            await self._report(total)

    async def _count_some(self, keys: Sequence[Key]) -> int:
        now_us = self._clock()
        read = await self._database.read(partial(_read, keys=keys))
        return await self._database.write(partial(_count, keys=keys, read=read, now_us=now_us))

    async def _report(self, counted: int) -> None:
        """Logs how far it is, now and then, where there is much to do: at first, all transactions are counted."""
        if time.monotonic() - self._progress_s < _PROGRESS_S:
            return
        self._progress_s = time.monotonic()
        left = await self._database.read(partial(rollup_store.count_due, limit=_MOST_LEFT))
        log.info("transactions are counted in rollups", counted=counted, left=left)


def _read(connection: Connection, *, keys: Sequence[Key]) -> _Read:
    """The states and shares of transactions, without those whose share cannot be computed."""
    encoded = rollup_store.read_states(connection, keys)
    states = {key: stored_form.decode_state(fold) for key, fold in encoded.items()}
    wanted = [key for key, state in states.items() if not state.waiting]
    records = rollup_store.read_records(connection, wanted, packed=[key for key in wanted if states[key].packed])
    read: dict[Key, tuple[str, Share | None]] = {}
    for key, state in states.items():
        try:
            share = share_of(state, [stored_form.decode_record(record) for record in records.get(key, ())])
        except Exception:
            # It must not keep the others from being counted.
            log.exception("a transaction cannot be counted in rollups", station_id=key[1], transaction_id=key[2])
            continue
        read[key] = encoded[key], share
    return read


def _count(connection: Connection, *, keys: Sequence[Key], read: _Read, now_us: int) -> int:
    """Counts the transactions that have not changed since they were read; returns their number."""
    store.lock_and_look_up(connection, {rollup_store.LOCK, *(store.station_lock(*key[:2]) for key in keys)}, ())
    states = rollup_store.read_states(connection, keys)
    unchanged = [key for key, fold in states.items() if key not in read or fold == read[key][0]]
    if not unchanged:
        return 0
    before = rollup_store.read_shares(connection, unchanged)
    after = {key: encode_share(read[key][1]) if key in read else before.get(key, "") for key in unchanged}
    horizons = rollup_store.read_horizons(connection, {key[0] for key in unchanged})
    changes: dict[Day, dict[int, Amounts]] = {}
    for key, share in after.items():
        for connector, quarter, change in differences(decode_share(before.get(key, "")), decode_share(share)):
            day = quarter // QUARTERS_A_DAY
            if day < horizons.get(key[0], 0):
                continue
            for row in ((key[0], key[1], connector, day), (key[0], TOTAL, (0, 0), day)):
                cells = changes.setdefault(row, {})
                cells[quarter] = cells.get(quarter, NOTHING).plus(change)
    if changes:
        rollup_store.add_changes(connection, changes)
    rollup_store.save_shares(connection, after, now_us=now_us)
    return len(unchanged)
