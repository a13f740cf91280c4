"""The live end of the streams: the newest events of each tenant with a watcher, read once for all watchers.

Events are read from the database and never passed on from the calls that brought them, in the order of their cursors,
so it does not matter which replica stored them or in which order commits become known. A call that committed some in
this process notifies the feed; those of other replicas are found by a query twice a second, while there is a watcher.
(LISTEN and NOTIFY would be quicker, but each commit with a NOTIFY waits for a lock that the whole PostgreSQL server
shares.)
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from notification_svc import store
from notification_svc.store import StoredEvent

MAX_EVENTS = 1024
MAX_BYTES = 4 * 1024 * 1024
PAGE = 256
POLL_S = 0.5


class Tail:
    """The newest events of one stream: all with a cursor above `start` and up to `head`, bounded in number and size."""

    def __init__(self, head: int) -> None:
        self.start = head
        self.head = head
        self.known = head  # the largest cursor that is known to be committed
        self.watchers = 0
        self._events: deque[StoredEvent] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._stopping = False

    def __len__(self) -> int:
        return len(self._events)

    def after(self, cursor: int) -> Sequence[StoredEvent] | None:
        """The events beyond `cursor`, oldest first; None where some of them are not here any more."""
        if cursor < self.start:
            return None
        found = []
        for event in reversed(self._events):
            if event.cursor <= cursor:
                break
            found.append(event)
        found.reverse()
        return found

    def extend(self, events: Sequence[StoredEvent], head: int) -> None:
        """Adds what is in the stream between the head and a new one, and wakes the watchers."""
        for event in events:
            self._events.append(event)
            self._bytes += len(event.data)
        while len(self._events) > MAX_EVENTS or self._bytes > MAX_BYTES:
            oldest = self._events.popleft()
            self._bytes -= len(oldest.data)
            self.start = oldest.cursor
        self.head = head
        self._wake()

    def stop(self) -> None:
        """Ends every watch."""
        self._stopping = True
        self._wake()

    async def wait(self, cursor: int, timeout_s: float) -> None:
        """Returns when there are events beyond `cursor`, or after some seconds.

        Raises MeshError UNAVAILABLE, reason SERVICE_STOPPING, when the service stops.
        """
        changed = self._changed
        if not self._stopping and self.head <= cursor:
            try:
                async with asyncio.timeout(timeout_s):
                    await changed.wait()
            except TimeoutError:
                return
        if self._stopping:
            raise unavailable(Reason.SERVICE_STOPPING, "the service stops: watch again from the last cursor")

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Feed:
    """The tails of all streams that are watched in this process. `run` fills them; run it beside the servers."""

    def __init__(self, *, database: Database, poll_s: float = POLL_S) -> None:
        self._database = database
        self._poll_s = poll_s
        self._tails: dict[str, Tail] = {}
        self._news = asyncio.Event()
        self._polled_s = float("-inf")
        self._stopping = False

    @contextmanager
    def watch(self, tenant_id: str, head: int) -> Iterator[Tail]:
        """The tail of a stream, for as long as the caller watches. `head` is a cursor that the stream has reached."""
        tail = self._tails.get(tenant_id)
        if tail is None:
            tail = self._tails[tenant_id] = Tail(head)
            # Events committed since the caller read `head` were announced to no watcher: read at once.
            self._polled_s = float("-inf")
            self._news.set()
        if self._stopping:
            tail.stop()
        tail.watchers += 1
        try:
            yield tail
        finally:
            tail.watchers -= 1
            if not tail.watchers and self._tails.get(tenant_id) is tail:
                del self._tails[tenant_id]

    def watched(self) -> Mapping[str, Tail]:
        """The tails by tenant, of the streams with a watcher here."""
        return self._tails

    def announce(self, heads: Mapping[str, int]) -> None:
        """Announces that streams have been committed up to these cursors."""
        for tenant_id, head in heads.items():
            tail = self._tails.get(tenant_id)
            if tail is not None and head > tail.known:
                tail.known = head
                self._news.set()

    def stop(self) -> None:
        """Ends all watches, and those that begin from now on."""
        self._stopping = True
        for tail in self._tails.values():
            tail.stop()

    async def run(self) -> None:
        """Fills the tails until it is cancelled."""
        while True:
            await self._wait_for_news()
            try:
                await self._poll()
                for tenant_id, tail in list(self._tails.items()):
                    while tail.known > tail.head and tail.watchers:
                        await self._read_on(tenant_id, tail)
            except MeshError:
                # The database is unavailable; `Database` has logged it. Watchers wait, and miss nothing.
                await asyncio.sleep(self._poll_s)

    async def _wait_for_news(self) -> None:
        try:
            # Not wait_for, which may forget a cancellation: see mesh/events/relay.py.
            async with asyncio.timeout(self._poll_s if self._tails else None):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    async def _poll(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._tails and now_s - self._polled_s >= self._poll_s:
            self._polled_s = now_s
            self.announce(await self._database.read(store.read_heads))

    async def _read_on(self, tenant_id: str, tail: Tail) -> None:
        page = await self._database.read(
            lambda connection: store.read_page(connection, tenant_id, after=tail.head, condition=None, limit=PAGE)
        )
        tail.known = max(tail.known, page.last_cursor)
        tail.extend(page.events, page.through)
