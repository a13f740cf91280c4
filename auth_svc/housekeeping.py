"""Background work of auth_svc: replaces keys when it is time, completes rows of older code, removes old ones."""

from functools import partial

from auth_svc import (
    caller_change_store,
    certificate_store,
    invitation_store,
    known_source_store,
    seen_token_store,
    session_store,
)
from auth_svc.id_token_form_store import adopt_id_tokens
from auth_svc.keys import SigningKeys
from auth_svc.login_checks import KNOWN_SOURCE_DAYS
from mesh.database.engine import Database
from mesh.database.retention import RetentionTask, in_chunks, older_than
from mesh.events import outbox
from mesh.runtime.background import PeriodicTask
from mesh.runtime.times import Clock

EVERY_S = 600.0
# How long an unknown id token stays in the list of those that were seen.
SEEN_TOKEN_DAYS = 90


class Housekeeper:
    """Maintains keys and id tokens, now and every ten minutes. Run `run` beside the servers."""

    def __init__(self, *, database: Database, keys: SigningKeys, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock

    async def run(self) -> None:
        """Works until it is cancelled."""
        await PeriodicTask("housekeeping", self._turn, every_s=EVERY_S).run()

    async def _turn(self) -> None:
        await self._keys.maintain()
        await in_chunks(self._database, partial(adopt_id_tokens, now_us=self._clock()))


def retention_task(*, database: Database, clock: Clock, outbox_days: int, certificate_days: int) -> RetentionTask:
    """Removes sessions and invitations that have ended, old changes of callers, and old certificates.

    Issued certificates are removed `certificate_days` after their end.

    Outbox rows are removed a day after they were published, and unpublished ones after `outbox_days`.
    """
    removals = (
        session_store.remove_expired,
        older_than(certificate_days, certificate_store.remove_ended),
        partial(outbox.remove_old, days=outbox_days),
        older_than(SEEN_TOKEN_DAYS, seen_token_store.remove_old),
        caller_change_store.remove_old,
        invitation_store.remove_ended,
        older_than(KNOWN_SOURCE_DAYS, known_source_store.remove_old),
    )
    return RetentionTask(database=database, clock=clock, removals=removals, every_s=EVERY_S)
