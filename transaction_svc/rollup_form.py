"""The stored form of rollups: the share of a transaction, and the quarter hours of a connector's day. Pure.

Both are MessagePack in base64. A quarter hour is named by its number since 1970 (UTC): the hours of every time zone
consist of whole ones.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from mesh.runtime.times import SECOND_US
from transaction_svc.received_items import decode, encode

QUARTER_US = 15 * 60 * SECOND_US
QUARTERS_A_DAY = 96

_VERSION = 1


class Amounts(NamedTuple):
    """The amounts of some time, which are summed up."""

    energy_mwh: int = 0
    flagged_mwh: int = 0  # the part of it that comes from transactions whose energy has a flag
    connected_us: int = 0
    charging_us: int = 0
    started: int = 0  # transactions that began
    ended: int = 0

    def plus(self, other: "Amounts") -> "Amounts":
        """The sums of both."""
        return Amounts(*map(int.__add__, self, other))

    def minus(self, other: "Amounts") -> "Amounts":
        """The differences; negative ones too."""
        return Amounts(*map(int.__sub__, self, other))


NOTHING = Amounts()

Cells = dict[int, Amounts]
"""Amounts by quarter hour."""

Connector = tuple[int, int]
"""EVSE and connector of a station."""


class Share(msgspec.Struct, frozen=True, array_like=True):
    """The part of one transaction in rollups. A new field needs a default, and stands at the end.

    `energy_mwh` and `charging_us` have a number for each quarter hour from `first` on.
    """

    version: int = _VERSION
    evse_id: int = 0
    connector_id: int = 0
    begin_us: int = 0
    until_us: int = 0  # its end, or its latest event while it is open
    ended: bool = False
    flagged: bool = False
    first: int = 0
    energy_mwh: tuple[int, ...] = ()
    charging_us: tuple[int, ...] = ()

    @property
    def connector(self) -> Connector:
        """The connector that it counts for."""
        return self.evse_id, self.connector_id

    def cells(self) -> Cells:
        """Its amounts by quarter hour; none of them are all zero."""
        first, last = self.begin_us // QUARTER_US, self.until_us // QUARTER_US
        return {
            quarter: amounts
            for quarter in range(first, last + 1)
            if (amounts := self._at(quarter, first, last)) != NOTHING
        }

    def _at(self, quarter: int, first: int, last: int) -> Amounts:
        index = quarter - self.first
        is_known = 0 <= index < len(self.energy_mwh)
        energy = self.energy_mwh[index] if is_known else 0
        since, until = max(quarter * QUARTER_US, self.begin_us), min((quarter + 1) * QUARTER_US, self.until_us)
        return Amounts(
            energy_mwh=energy,
            flagged_mwh=energy if self.flagged else 0,
            connected_us=until - since,
            charging_us=self.charging_us[index] if is_known else 0,
            started=int(quarter == first),
            ended=int(self.ended and quarter == last),
        )


def encode_share(share: Share | None) -> str:
    """Encodes a share; empty for none."""
    return "" if share is None else encode(_encoder.encode(share))


def decode_share(text: str) -> Share | None:
    """Decodes a share."""
    return _share_decoder.decode(decode(text)) if text else None


def encode_cells(cells: Mapping[int, Amounts]) -> str:
    """Encodes the quarter hours of one day; empty where all are zero."""
    rows = [(quarter % QUARTERS_A_DAY, *amounts) for quarter, amounts in sorted(cells.items()) if any(amounts)]
    return encode(_encoder.encode((_VERSION, rows))) if rows else ""


def decode_cells(text: str, day: int) -> Cells:
    """Decodes the quarter hours of a day, which is numbered from 1970."""
    _version, rows = _cells_decoder.decode(decode(text))
    from_quarter = day * QUARTERS_A_DAY
    return {from_quarter + quarter: Amounts(*amounts) for quarter, *amounts in rows}


def differences(before: Share | None, after: Share | None) -> Iterator[tuple[Connector, int, Amounts]]:
    """The changes of rollups, by connector and quarter hour, when the share of a transaction changes."""
    if before == after:
        return
    if before is not None and after is not None and before.connector == after.connector:
        old, new = before.cells(), after.cells()
        for quarter in old.keys() | new.keys():
            change = new.get(quarter, NOTHING).minus(old.get(quarter, NOTHING))
            if any(change):
                yield after.connector, quarter, change
        return
    for share, sign in ((before, -1), (after, 1)):
        if share is not None:
            for quarter, amounts in share.cells().items():
                yield share.connector, quarter, amounts if sign > 0 else NOTHING.minus(amounts)


_encoder = msgspec.msgpack.Encoder()
_share_decoder = msgspec.msgpack.Decoder(Share)
_cells_decoder = msgspec.msgpack.Decoder(tuple[int, list[tuple[int, int, int, int, int, int, int]]])
