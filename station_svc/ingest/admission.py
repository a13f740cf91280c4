"""Admission of stations whose credentials have slow hashes: the hash is computed between two transactions."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import grpc

from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from station_svc.features.credentials import store as credential_store
from station_svc.features.credentials.password_checks import Better, Proofs
from station_svc.ingest.rows import ConnectionAttempt, Opened, Unproven

log = get_logger(__name__)

Opening = Callable[[Sequence[ConnectionAttempt]], Awaitable[Sequence[Opened | Unproven | MeshError]]]


class Admission:
    """Admits stations; those with a slow hash are checked again once the hash is computed."""

    def __init__(self, *, database: Database, proofs: Proofs) -> None:
        self._database = database
        self.proofs = proofs

    async def admit(self, attempts: Sequence[ConnectionAttempt], opening: Opening) -> list[Opened | MeshError]:
        """One result per attempt. `opening` is the transaction, which holds no locks while anything is computed."""
        results = list(await opening(attempts))
        unproven = {place: result for place, result in enumerate(results) if isinstance(result, Unproven)}
        if unproven:
            computed = await asyncio.gather(
                *(self._compute(attempts[place], result) for place, result in unproven.items())
            )
            errors = {
                place: error for place, error in zip(unproven, computed, strict=True) if isinstance(error, MeshError)
            }
            again = [place for place in unproven if place not in errors]
            reopened = await opening([attempts[place] for place in again]) if again else []
            results = _replaced(results, errors | dict(zip(again, reopened, strict=True)))
            await self._keep([one for one in computed if isinstance(one, Better)])
        return [_settled(attempt, result) for attempt, result in zip(attempts, results, strict=True)]

    async def _compute(self, attempt: ConnectionAttempt, unproven: Unproven) -> Better | MeshError | None:
        try:
            return await self.proofs.compute(attempt.station, attempt.credential, [unproven.credential])
        except MeshError as error:
            return error

    async def _keep(self, better: Sequence[Better]) -> None:
        """Stores hashes of this system for passwords that are known now. If that fails, it is done the next time."""
        if better:
            try:
                await self._database.write(partial(credential_store.keep_better, better=better))
            except MeshError as error:
                log.warning("better hashes not kept", reason=error.reason)


def _replaced(
    results: Sequence[Opened | Unproven | MeshError], by_place: dict[int, Opened | Unproven | MeshError]
) -> list[Opened | Unproven | MeshError]:
    return [by_place.get(place, result) for place, result in enumerate(results)]


def _settled(attempt: ConnectionAttempt, result: Opened | Unproven | MeshError) -> Opened | MeshError:
    """Unproven still: the credential was replaced while the former one was being computed."""
    if not isinstance(result, Unproven):
        return result
    return MeshError(
        grpc.StatusCode.UNAUTHENTICATED,
        Reason.WRONG_CREDENTIALS,
        f"station {attempt.station_id} did not prove who it is",
    )
