"""Serial numbers of stations as names in certificates: which text may be one, and which station has it. Pure.

OCPP 2.0.1 part 2, A00.FR.405; OCPP 1.6 security whitepaper, 4.2.3: the common name of a station's certificate is its
serial number. A station reports that itself, so that a report alone proves nothing.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

MOST_CHARACTERS = 64
"""Most characters of a common name (RFC 5280, A.1)."""
# A name with a domain: at least two labels, the last one of letters, as those of servers are.
_HOST_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z]{2,}\.?", re.IGNORECASE)


class Claim(IntEnum):
    """By what a station has a name; the stronger claim of two stations holds, and of equal ones none."""

    NONE = 0
    REPORTED = 1  # by the station, and not confirmed
    CONFIRMED = 2
    EXPECTED = 3  # an operator has said so
    IDENTITY = 4


@dataclass(frozen=True, kw_only=True)
class NamedStation:
    """A station with its names."""

    tenant_id: str
    station_id: str
    expected_serial_number: str
    confirmed_serial_number: str
    reported_serial_number: str

    @property
    def key(self) -> tuple[str, str]:
        """Tenant and station."""
        return self.tenant_id, self.station_id

    @property
    def known_serial_number(self) -> str:
        """Its serial number by the operator's word, else the confirmed one; empty where neither is there."""
        return self.expected_serial_number or self.confirmed_serial_number

    def claim(self, name: str) -> Claim:
        """By what it has a name."""
        if name == self.station_id:
            return Claim.IDENTITY
        if name == self.expected_serial_number:
            return Claim.EXPECTED
        if self.expected_serial_number == "" and name == self.confirmed_serial_number:
            return Claim.CONFIRMED
        if self.known_serial_number == "" and name == self.reported_serial_number:
            return Claim.REPORTED
        return Claim.NONE


def known_serial_numbers(row: Any) -> frozenset[str]:
    """The known serial number of a station, of a row that has both columns; empty where there is none.

    The operator's word takes the place of the confirmed one, such as after the station's board was replaced.
    """
    return frozenset({row.expected_serial_number or row.confirmed_serial_number} - {""})


def is_serial_number(text: str) -> bool:
    """Whether a text may be a serial number in a certificate: printable ASCII without a wildcard."""
    return 0 < len(text) <= MOST_CHARACTERS and text.isascii() and text.isprintable() and "*" not in text


def may_be_confirmed(reported: str) -> bool:
    """Whether a reported serial number may be confirmed: not where it reads as the name of a host."""
    return is_serial_number(reported) and _HOST_NAME.fullmatch(reported) is None


def can_be_confirmed(named: NamedStation, others: Collection[NamedStation]) -> bool:
    """Whether the reported serial number of a station becomes its confirmed one: nobody else reports or has it."""
    reported = named.reported_serial_number
    if named.confirmed_serial_number or not may_be_confirmed(reported):
        return False
    return all(other.claim(reported) is Claim.NONE for other in _others(named, others))


def names_of(named: NamedStation, others: Collection[NamedStation]) -> frozenset[str]:
    """The names that a station may have in its certificate: its identity, and its known serial number if it is its own.

    `others` are all stations of its tenant that have one of these names.
    """
    known = named.known_serial_number
    if not is_serial_number(known):
        return frozenset({named.station_id})
    own = named.claim(known)
    if any(other.claim(known) >= own for other in _others(named, others)):
        return frozenset({named.station_id})
    return frozenset({named.station_id, known})


def _others(named: NamedStation, stations: Collection[NamedStation]) -> Sequence[NamedStation]:
    return [one for one in stations if one.tenant_id == named.tenant_id and one.station_id != named.station_id]
