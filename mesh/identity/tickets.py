"""Tickets: a caller who can send no header with a call names one in the request (docs/adr/0033)."""

from typing import Protocol

import grpc

from mesh.identity.caller_directory import Credential
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError


class Tickets(Protocol):
    """The tickets of a service."""

    async def redeem(self, ticket: str) -> Credential:
        """The credential of the caller who had a ticket made; it is void from then on.

        Raises MeshError UNAUTHENTICATED, reason INVALID_TICKET, and RESOURCE_EXHAUSTED, reason TOO_MANY_ATTEMPTS.
        """


def invalid_ticket() -> MeshError:
    """UNAUTHENTICATED, reason INVALID_TICKET."""
    return MeshError(
        grpc.StatusCode.UNAUTHENTICATED,
        Reason.INVALID_TICKET,
        "the ticket is wrong, used or expired: make another one for each stream",
    )
