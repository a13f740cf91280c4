"""The source of an operator's call: the address that the front door saw, and the network that limits count by.

Services believe the address in Envoy's header only beside Envoy's proof (front_door.py), as gateways do: a caller that
reaches an operator port without the front door counts by the address of its connection.
"""

import hmac
import ipaddress
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from mesh.identity.front_door import ADDRESS_HEADER, PROOF_HEADER, proof_of

_ADDRESS_KEY, _PROOF_KEY = ADDRESS_HEADER.lower(), PROOF_HEADER.lower()
_MOST = 64


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a call comes from: its address, and the network by which limits count it (`network_of`)."""

    address: str
    network: str


UNKNOWN_SOURCE = Source(address="", network="")


class Sources:
    """Reads the source of a call. `secrets` are those by which Envoy may prove itself; without any, nobody can."""

    def __init__(self, *, secrets: Iterable[str] = ()) -> None:
        self._proofs = [proof_of(secret).encode() for secret in secrets]

    def read(self, metadata: Iterable[tuple[str, str | bytes]], peer: Callable[[], str]) -> Source:
        """The source of a call with this metadata; `peer` gives the other end of its connection in gRPC's notation."""
        proofs, addresses = [], []
        for key, value in metadata:
            if key == _PROOF_KEY:
                proofs.append(str(value))
            elif key == _ADDRESS_KEY:
                addresses.append(str(value))
        if len(proofs) == len(addresses) == 1 and self._is_proof(proofs[0]):
            return _source(addresses[0][:_MOST])
        return _source(_peer_address(peer()))

    def _is_proof(self, text: str) -> bool:
        proof = text.encode("utf-8", "surrogateescape")
        return any(hmac.compare_digest(proof, known) for known in self._proofs)


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address: its owner has all of it (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))


@lru_cache(maxsize=4096)
def _source(address: str) -> Source:
    return Source(address=address, network=network_of(address))


def _peer_address(peer: str) -> str:
    """The address in gRPC's `ipv4:127.0.0.1:50051` or `ipv6:%5B::1%5D:50051`."""
    kind, _, rest = unquote(peer).partition(":")
    if kind not in ("ipv4", "ipv6"):
        return peer[:_MOST]
    return rest.rpartition(":")[0].strip("[]")[:_MOST]


_current: ContextVar[Source] = ContextVar("source", default=UNKNOWN_SOURCE)


def current_source() -> Source:
    """The source of the call being served; UNKNOWN_SOURCE outside of one."""
    return _current.get()


def set_source(source: Source) -> None:
    """Sets the source of the present call: for the interceptor, and for tests of a lone servicer."""
    _current.set(source)
