"""The readings of one meter register in order, kept as runs: readings that can follow one another. Pure.

A register only rises, and no faster than the power of its EVSE allows. A reading that fits neither the latest run nor
an older one begins a run of its own: a register that started over, another counter, another scale, or a wrong reading.
The readings that follow decide which of these it is (`energy.py`).
"""

import msgspec

from mesh.runtime.times import DAY_US, SECOND_US
from transaction_svc.clocks import is_plausible
from transaction_svc.event_record import BEGIN, BETWEEN, END
from transaction_svc.stored_names import SHORT

ReadingKey = tuple[int, int, int, int]
"""Rank, position of the event where times go back, time, register: the order in which readings are pushed."""

# Clocks jump, and meters are read late: energy of this much more time may have passed.
SLACK_US = 15 * 60 * SECOND_US
# Less than a watt-hour is rounding: meterStop is a whole number, samples often are not.
ROUNDING_MWH = 1_000
# The coarsest register that is supported counts in kilowatt-hours.
_MOST_STEP_MWH = 1_000_000
UJ_PER_MWH = 3_600_000  # W times µs is µJ
_NO_READING = 2**62
# A step of the register that stands for more power than this, between two readings, is too coarse for it.
_COARSE_W = 1_000
# More runs than any known meter makes; the oldest are summed up.
_MOST_RUNS = 16


class Moment(msgspec.Struct, frozen=True, array_like=True):
    """A point in time by the station's clock and by the CSMS's clock, in µs since 1970 UTC."""

    station_us: int
    our_us: int

    @property
    def is_plausible(self) -> bool:
        """Whether the station's time may be right."""
        return is_plausible(self.station_us, self.our_us)


class Run(msgspec.Struct, rename=SHORT, omit_defaults=True):
    """Readings that can follow one another, in mWh."""

    first: int
    last: int
    first_at: Moment
    last_at: Moment
    before: int | None = None  # the reading before `last`
    gap_us: int = 0  # time between these two
    count: int = 1
    fallen: int = 0  # difference between the highest reading and `last`, less than rounding
    other: bool = False  # an older run went on after it: a counter beside it, or a wrong reading

    @property
    def top(self) -> int:
        """The highest reading."""
        return self.last + self.fallen

    @property
    def rise(self) -> int:
        """Energy between its first and its last reading."""
        return max(self.last - self.first, 0)

    def extend(self, mwh: int, at: Moment) -> None:
        """Takes the next reading."""
        self.fallen = max(self.last + self.fallen - mwh, 0)
        self.gap_us = _gap(self.last_at, at)
        self.before, self.last, self.last_at = self.last, mwh, at
        self.count += 1


class Register(msgspec.Struct, rename=SHORT, omit_defaults=True):
    """The readings of one register, as far as energy needs them; none is negative."""

    runs: list[Run] = []
    begun: bool = False  # the first reading is that of the transaction's begin
    second: int | None = None  # the reading after the first; after a first of 0, the next one above 0
    second_at: Moment | None = None
    step: int = _MOST_STEP_MWH  # the largest power of ten, up to 1 kWh, that divides all readings between
    # The position of the latest reading.
    rank: int = BETWEEN
    ended: bool = False  # the latest reading is that of the transaction's end
    before_end: int | None = None  # the reading before that of the end
    current: int = 0  # index of the run that the latest reading belongs to
    # Of the readings between begin and end, where there is more than one run.
    lowest: int | None = None
    highest: int | None = None
    settled: int = 0  # energy of runs that are summed up
    fell: bool = False  # a reading was below the one before, by more than rounding
    position: int = 0
    last_us: int = 0  # time by which it is ordered, where the station's clock is not plausible

    @property
    def is_sound(self) -> bool:
        """Whether each reading follows the one before, from a begin that is not 0: energy is last less first."""
        return len(self.runs) == 1 and self.begun and self.runs[0].first > 0 and not self.fell

    @property
    def key(self) -> ReadingKey:
        """The position of the latest reading."""
        latest = self.runs[self.current]
        return self.rank, self.position, self.last_us or latest.last_at.station_us, latest.last

    @property
    def count(self) -> int:
        """Readings in its runs."""
        return sum(run.count for run in self.runs)

    @property
    def chain(self) -> list[Run]:
        """The runs that follow one another, without those beside them."""
        return [run for run in self.runs if not run.other]

    @classmethod
    def begin(cls, mwh: int, at: Moment) -> "Register":
        """A register with the reading of the begin, not 0."""
        return cls(runs=[Run(first=mwh, last=mwh, first_at=at, last_at=at)], begun=True, rank=BEGIN)

    def go_on(self, mwh: int, at: Moment, power_w: int, *, ends: bool) -> bool:
        """Adds a reading after the begin, if it is later than all others and follows the one before.

        The result is that of `push`, at a third of the cost, for nearly all readings. False for others, which are not
        added.
        """
        if len(self.runs) != 1 or self.rank == END:
            return False
        run = self.runs[0]
        latest = run.last_at
        if not 0 < at.station_us - latest.station_us < DAY_US or mwh < run.last or run.fallen:
            return False
        if not _fits_our_clock(mwh - run.last, latest, at, power_w) or not _fits_our_clock(
            mwh - run.first, run.first_at, at, power_w
        ):
            return False
        if self.second is None and (mwh or run.first):
            self.second, self.second_at = mwh, at
        if ends:
            self.before_end, self.ended, self.rank = run.last, True, END
        else:
            self.rank = BETWEEN
            while mwh % self.step:
                self.step //= 10
        self.position = self.last_us = 0
        run.gap_us = at.station_us - latest.station_us
        run.before, run.last, run.last_at = run.last, mwh, at
        run.count += 1
        return True

    @property
    def power_w(self) -> int | None:
        """Mean power between the two latest readings, in watts; None where there are not two.

        Where the register is too coarse to tell, the mean since its run began.
        """
        if not self.runs:
            return None
        run = self.runs[self.current]
        before, gap_us = run.before, run.gap_us
        if before is None or gap_us <= 0:
            return None
        rise = run.last - before
        if self.step * UJ_PER_MWH > _COARSE_W * gap_us:
            rise, gap_us = run.rise, max(_gap(run.first_at, run.last_at), gap_us)
        return rise * UJ_PER_MWH // gap_us if rise > 0 else 0

    @property
    def tolerance(self) -> int:
        """Largest fall that counts as rounding: begin and end may be finer than the readings between."""
        has_samples = len(self.runs) > 1 or (bool(self.runs) and self.runs[0].count > self.begun)
        return max(self.step, ROUNDING_MWH) if has_samples else ROUNDING_MWH

    def push(self, mwh: int, at: Moment, *, begins: bool, ends: bool, power_w: int) -> None:
        """Takes the next reading, not negative. A repeated begin changes nothing."""
        if begins and self.begun and self.runs[0].first:
            return
        while mwh % self.step and not (begins or ends):
            self.step //= 10
        if not self.runs:
            self.begun = begins
            self._open(mwh, at)
        else:
            self._follow(mwh, at, ends=ends, power_w=power_w)
        if ends:
            self.ended = True
        elif self.lowest is not None and self.highest is not None and not begins:
            self.lowest, self.highest = min(self.lowest, mwh), max(self.highest, mwh)

    def _follow(self, mwh: int, at: Moment, *, ends: bool, power_w: int) -> None:
        latest = self.runs[self.current]
        if ends:
            self.before_end = latest.last
        if mwh <= latest.top - self._slack(ends=ends) or (ends and self._is_below_begin(mwh)):
            self.fell = True
        fits = self.fits(latest, mwh, at, power_w, slack=self._slack(ends=ends))
        if self.second is None and (mwh or self.runs[0].first):
            self.second, self.second_at = mwh, at
        if fits and len(self.runs) == 1:
            latest.extend(mwh, at)
            return
        if self.lowest is None:
            self._note_extremes(latest)
        index = self._older(mwh, at, power_w, unexplained=mwh - latest.last if fits else None)
        if index is not None:
            for run in self.runs[index + 1 :]:
                run.other = True
            self.current = index
        elif not fits:
            self._open(mwh, at)
            return
        self.runs[self.current].extend(mwh, at)

    def _is_below_begin(self, mwh: int) -> bool:
        """Whether an end is below the begin: these two decide, even if the readings between are coarse."""
        return self.begun and mwh <= self.runs[0].first - ROUNDING_MWH

    def _slack(self, *, ends: bool) -> int:
        return self.tolerance if ends else max(self.step, ROUNDING_MWH)

    def _note_extremes(self, run: Run) -> None:
        """The lowest and the highest reading of the only run, without that of the begin."""
        if run.count > self.begun:
            self.lowest = self.second if self.begun and self.second is not None else run.first
            self.highest = run.top
        else:
            self.lowest, self.highest = _NO_READING, -1

    def _older(self, mwh: int, at: Moment, power_w: int, *, unexplained: int | None) -> int | None:
        """Index of an older run that continues with this reading; None where the latest does, or a new one begins.

        The older run must have risen at least as much as the runs since. Of several, the run is chosen that leaves the
        least energy that no reading explains.
        """
        best, meanwhile = None, 0
        for index in range(len(self.runs) - 1, -1, -1):
            run = self.runs[index]
            if index != self.current and not run.other and self.fits(run, mwh, at, power_w, slack=ROUNDING_MWH):
                left = mwh - run.last - meanwhile
                if left > -ROUNDING_MWH and (unexplained is None or left < unexplained):
                    best, unexplained = index, left
            meanwhile = max(meanwhile, run.rise)
        return best

    def fits(self, run: Run, mwh: int, at: Moment, power_w: int, *, slack: int) -> bool:
        """Whether a reading can follow in a run: it is not lower, and the rise is within power and time."""
        return (
            mwh > run.top - slack
            and mwh - run.last <= self.most(run.last_at, at, power_w)
            and mwh - run.first <= self.most(run.first_at, at, power_w)
        )

    def most(self, since: Moment, until: Moment, power_w: int) -> int:
        """The most energy that can have passed between two moments, in mWh."""
        return passed(since, until, power_w, SLACK_US) + self.step

    def _open(self, mwh: int, at: Moment) -> None:
        if len(self.runs) == _MOST_RUNS:
            self._sum_up()
        self.runs.append(Run(first=mwh, last=mwh, first_at=at, last_at=at))
        self.current = len(self.runs) - 1

    def _sum_up(self) -> None:
        """Makes room: removes a run beside the others, else sums up the oldest one after the begin."""
        index = next((n for n, run in enumerate(self.runs) if run.other), 1)
        gone = self.runs.pop(index)
        if not gone.other:
            self.settled += gone.rise


def _gap(since: Moment, until: Moment) -> int:
    """Time between two readings, by the station's clock unless that was set meanwhile."""
    gap_us = until.station_us - since.station_us
    return gap_us if 0 < gap_us < DAY_US else max(until.our_us - since.our_us, 0)


def _fits_our_clock(rise_mwh: int, since: Moment, until: Moment, power_w: int) -> bool:
    """Whether energy can have passed by the CSMS's clock alone: then it can by the longer of the two times, too."""
    return rise_mwh * UJ_PER_MWH <= power_w * (until.our_us - since.our_us + SLACK_US)


def passed(since: Moment, until: Moment, power_w: int, slack_us: int) -> int:
    """Energy at full power between two moments, in mWh, by the clock that shows more time.

    Also a station's clock with a wrong time shows how much time has passed, unless it was set meanwhile.
    """
    elapsed_us, by_station_us = max(until.our_us - since.our_us, 0), until.station_us - since.station_us
    if by_station_us > elapsed_us and (by_station_us < DAY_US or since.is_plausible == until.is_plausible):
        elapsed_us = by_station_us
    return power_w * (elapsed_us + slack_us) // UJ_PER_MWH
