"""The address of a handshake: the front door's header, where the request comes from the front door.

Stations and Envoy have the same address where everything runs on one machine, so Envoy authenticates itself with
a value that only it and the gateways have (mesh/identity/front_door.py): others may write any address into the same
header.
"""

import hmac
from collections.abc import Iterable, Sequence
from typing import Protocol

from mesh.identity.front_door import ADDRESS_HEADER, PROOF_HEADER, proof_of

_MOST = 64


class Headers(Protocol):
    """The headers of a request."""

    def get_all(self, key: str, /) -> Sequence[str]:
        """The values of a header, one for each time it is there."""


class ClientAddresses:
    """Reads the address that a station came from."""

    def __init__(self, *, secrets: Iterable[str]) -> None:
        """`secrets` are those by which Envoy may prove itself; without any, no header is believed."""
        self._proofs = [proof_of(secret).encode() for secret in secrets]

    def read(self, headers: Headers, peer: str) -> str:
        """The address of a station: Envoy's header, where Envoy authenticates itself; otherwise `peer`."""
        addresses = headers.get_all(ADDRESS_HEADER)
        return addresses[0][:_MOST] if len(addresses) == 1 and self.is_front_door(headers) else peer

    def is_front_door(self, headers: Headers) -> bool:
        """Whether Envoy sent this request: it authenticates itself."""
        proofs = headers.get_all(PROOF_HEADER)
        if len(proofs) != 1:
            return False
        proof = proofs[0].encode("utf-8", "surrogateescape")
        return any(hmac.compare_digest(proof, known) for known in self._proofs)
