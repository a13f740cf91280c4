"""The part of a meter profile about readings: the readings that count, and their scale. Pure."""

from collections.abc import Iterator

import msgspec

from transaction_svc.event_record import (
    BEGIN,
    BETWEEN,
    STARTED,
    EventRecord,
    Reading,
    is_signed,
    is_verified,
    location_of,
)
from transaction_svc.stored_names import SHORT

# Sources, numbered as csms.transaction.v1.RegisterSource.
ALL, BEGIN_AND_END, SAMPLED = 0, 1, 2


class Pins(msgspec.Struct, frozen=True, rename=SHORT, omit_defaults=True):
    """An operator's knowledge of a meter's readings; None, or 0 of the source, leaves it to the readings."""

    begin_end_exponent: int | None = None  # power of ten that readings are multiplied with
    sampled_exponent: int | None = None
    source: int = ALL
    location: int | None = None  # as in the number of a series

    @property
    def is_scaled(self) -> bool:
        """Whether the scale of every reading is known."""
        return self.begin_end_exponent is not None and self.sampled_exponent is not None

    @property
    def is_sampled_only(self) -> bool:
        """Whether begin and end are the first and the last of the readings between."""
        return self.source == SAMPLED

    def apply(self, record: EventRecord) -> Iterator[Reading]:
        """The readings of an event that count, scaled. Those with a valid signature always count."""
        for reading in record.readings:
            if is_verified(reading.series):
                yield reading
                continue
            if self.location is not None and location_of(reading.series) != self.location:
                continue
            sampled = _is_sampled(reading, record)
            if self.source not in (ALL, SAMPLED if sampled else BEGIN_AND_END):
                continue
            exponent = self.sampled_exponent if sampled else self.begin_end_exponent
            rank = BETWEEN if self.is_sampled_only else reading.rank
            mwh = reading.mwh if is_signed(reading.series) or not exponent else _scaled(reading.mwh, exponent)
            yield msgspec.structs.replace(reading, mwh=mwh, rank=rank)


def _is_sampled(reading: Reading, record: EventRecord) -> bool:
    """Whether a reading is neither of the begin nor of the end.

    In 1.6 these are meterStart and meterStop: an unsigned begin in the transactionData of a stop is a sampled reading.
    """
    if record.seq_no is None and reading.rank == BEGIN and not is_signed(reading.series):
        return record.kind != STARTED
    return reading.rank == BETWEEN


def _scaled(mwh: int, exponent: int) -> int:
    factor: int = 10 ** abs(exponent)
    return mwh * factor if exponent > 0 else mwh // factor
