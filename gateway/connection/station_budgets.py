"""Budgets of one station for its log, its malformed frames and its DataTransfers, across reconnects."""

from collections import OrderedDict

from gateway.token_bucket import TokenBucket
from mesh.runtime.times import SECOND_US

# The message log, in bytes: this much at once (twice, after a silence), then this much a second. A station that floods
# the log uses neither the share of other stations nor the disk.
LOG_BURST_BYTES = 4 * 1024 * 1024
LOG_BYTES_PER_SECOND = 128 * 1024
# Frames that are no messages. A station is closed where it has used up both: one bad frame a minute costs no station
# its connection, nor does a single large one, nor a burst of small ones.
MALFORMED_FRAMES_PER_MINUTE = 60
MALFORMED_BYTES_PER_MINUTE = 256 * 1024
# Each DataTransfer writes a row, of any vendor.
TRANSFER_BURST_ROWS = 1_000
TRANSFER_ROWS_PER_MINUTE = 60
TRANSFER_BURST_BYTES = 4 * 1024 * 1024
TRANSFER_BYTES_PER_MINUTE = 64 * 1024
# Stations whose budgets are kept: about 1 KiB each.
MAX_STATIONS = 20_000


class StationBudgets:
    """The budgets of one station."""

    __slots__ = ("_malformed_bytes", "_malformed_frames", "_transfer_bytes", "_transfer_rows", "log")

    def __init__(self) -> None:
        minute_us = 60 * SECOND_US
        self.log = TokenBucket(burst=LOG_BURST_BYTES, per_period=LOG_BYTES_PER_SECOND, period_us=SECOND_US)
        self._malformed_frames = TokenBucket(
            burst=MALFORMED_FRAMES_PER_MINUTE, per_period=MALFORMED_FRAMES_PER_MINUTE, period_us=minute_us
        )
        self._malformed_bytes = TokenBucket(
            burst=MALFORMED_BYTES_PER_MINUTE, per_period=MALFORMED_BYTES_PER_MINUTE, period_us=minute_us
        )
        self._transfer_rows = TokenBucket(
            burst=TRANSFER_BURST_ROWS, per_period=TRANSFER_ROWS_PER_MINUTE, period_us=minute_us
        )
        self._transfer_bytes = TokenBucket(
            burst=TRANSFER_BURST_BYTES, per_period=TRANSFER_BYTES_PER_MINUTE, period_us=minute_us
        )

    def bear_malformed(self, size: int, now_us: int) -> bool:
        """Takes a malformed frame of `size` bytes; false where the station has sent too many and too much of them."""
        bears_frame = self._malformed_frames.take(1, now_us)
        bears_bytes = self._malformed_bytes.take(size, now_us)
        return bears_frame or bears_bytes

    def allow_transfer(self, size: int, now_us: int) -> bool:
        """Takes a DataTransfer of `size` bytes; false where the station has written too much already."""
        if not self._transfer_rows.take(1, now_us):
            return False
        return self._transfer_bytes.take(size, now_us)


class Budgets:
    """The budgets of the stations that were here last."""

    def __init__(self) -> None:
        self._stations: OrderedDict[tuple[str, str], StationBudgets] = OrderedDict()

    def of(self, station: tuple[str, str]) -> StationBudgets:
        """The budgets of a station, by tenant and id: those of its connections before."""
        found = self._stations.get(station)
        if found is None:
            found = self._stations[station] = StationBudgets()
            if len(self._stations) > MAX_STATIONS:
                self._stations.popitem(last=False)
        else:
            self._stations.move_to_end(station)
        return found
