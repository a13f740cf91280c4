"""Background work of auth_svc: replaces keys when it is time, and removes old rows."""

import asyncio
from functools import partial

from auth_svc import seen_token_store
from auth_svc.certificate_office import CertificateOffice
from auth_svc.id_token_form_store import adopt_id_tokens
from auth_svc.keys import SigningKeys
from auth_svc.sessions import Sessions
from mesh.database.engine import Database
from mesh.events import outbox
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock

log = get_logger(__name__)

EVERY_S = 600.0
# Events per transaction: a few milliseconds, between which callers are served.
_CHUNK = 500
# How long an unknown id token stays in the list of those that were seen.
SEEN_TOKEN_DAYS = 90


class Housekeeper:
    """Housekeeping of auth_svc. `outbox_days` is the retention of unpublished events."""

    def __init__(
        self,
        *,
        database: Database,
        keys: SigningKeys,
        sessions: Sessions,
        office: CertificateOffice,
        clock: Clock,
        outbox_days: int,
    ) -> None:
        self._database = database
        self._keys = keys
        self._sessions = sessions
        self._office = office
        self._clock = clock
        self._outbox_days = outbox_days

    async def run(self) -> None:
        """Does all of it now and every ten minutes, until it is cancelled. Waits for an unavailable database."""
        while True:
            try:
                await self._turn()
            except MeshError as error:
                log.warning("housekeeping put off", reason=error.reason)
            await asyncio.sleep(EVERY_S)

    async def _turn(self) -> None:
        await self._keys.maintain()
        await self._adopt_id_tokens()
        await self._sessions.delete_expired()
        while await self._office.remove_ended(_CHUNK) == _CHUNK:
            pass
        await self._remove_events()
        await self._remove_seen_tokens()

    async def _remove_seen_tokens(self) -> None:
        before_us = self._clock() - SEEN_TOKEN_DAYS * 86_400 * SECOND_US
        remove = partial(seen_token_store.remove_old, before_us=before_us, limit=_CHUNK)
        while await self._database.write(remove) == _CHUNK:
            pass

    async def _adopt_id_tokens(self) -> None:
        adopt = partial(adopt_id_tokens, limit=_CHUNK, now_us=self._clock())
        while await self._database.write(adopt):
            pass

    async def _remove_events(self) -> None:
        total, removed = 0, _CHUNK
        remove = partial(outbox.remove_old, now_us=self._clock(), days=self._outbox_days, limit=_CHUNK)
        while removed == _CHUNK:
            removed = await self._database.write(remove)
            total += removed
        if total:
            log.info("old events removed", count=total)
