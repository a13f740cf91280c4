"""Energy of a transaction from the readings of its meter: one pure function, `assess`. docs/ENERGY.md has its rules.

Most transactions do not come here: where the readings are those of one register that only rises, `metering.py` has the
energy by itself. The energy never exceeds the rise that readings show. Its basis names the readings that it is based
on; its flags, those that are not consistent.
"""

from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum, StrEnum, auto
from itertools import pairwise, product

import msgspec

from transaction_svc.event_record import is_same_but_proof, is_signed, is_verified
from transaction_svc.reading_selection import Pins
from transaction_svc.register import ROUNDING_MWH, Moment, Register, Run, passed
from transaction_svc.stored_names import SHORT

_POWERS = (1, 2, 3, 4, 5, 6)
# Scales that are mixed up: Wh, kWh and MWh. By another power of ten a reading is flagged, and not converted.
_CONVERTED = frozenset((3, 6, -3, -6))
# Below this a power of ten may be a coincidence: a register that starts over is low.
_LEAST_SCALED_MWH = {power: 10_000 if power <= 3 else 100_000 for power in _POWERS}  # 10 and 100 Wh


class Basis(IntEnum):
    """The readings that an energy is based on, numbered as csms.transaction.v1.EnergyBasis."""

    UNSPECIFIED = 0
    REGISTER = 1
    SIGNED_REGISTER = 2
    RESTARTED_REGISTER = 3
    SCALED_REGISTER = 4
    FIRST_READING = 5
    PREVIOUS_TRANSACTION = 6
    LAST_BELIEVED_READING = 7
    INTERVALS = 8
    NONE = 9


class EnergyFlag(StrEnum):
    """Readings that do not add up. docs/ENERGY.md explains each flag."""

    BEGIN_IMPLAUSIBLE = "begin_implausible"
    BEGIN_PLACEHOLDER = "begin_placeholder"
    END_IMPLAUSIBLE = "end_implausible"
    ENERGY_IMPLAUSIBLE = "energy_implausible"
    METER_RESTART = "meter_restart"
    METER_ROLLBACK = "meter_rollback"
    OTHER_COUNTER = "other_counter"
    SCALE_MISMATCH = "scale_mismatch"
    SERIES_MISMATCH = "series_mismatch"
    SIGNED_DIFFERS = "signed_differs"


class Terms(msgspec.Struct, rename=SHORT, omit_defaults=True):
    """Knowledge of the meter beside its readings."""

    power_w: int = 400_000  # largest power of the EVSE
    started_at: Moment | None = None
    previous_mwh: int | None = None  # the register at the end of the transaction before, on the same connector
    previous_series: int = 0
    # By a meter profile (`meter_profiles.py`); None leaves it to the readings.
    placeholder: bool | None = None  # whether a begin of 0 is one
    pins: Pins | None = None
    profile_id: str = ""

    @property
    def pinned(self) -> tuple[int, bool | None, Pins | None, str]:
        """The terms that do not depend on this transaction or the one before it."""
        return self.power_w, self.placeholder, self.pins, self.profile_id

    @property
    def is_scaled(self) -> bool:
        """Whether the scale of every reading is known, so that none has to be found."""
        return self.pins is not None and self.pins.is_scaled

    @property
    def is_sampled_only(self) -> bool:
        """Whether begin and end are the first and the last of the readings between."""
        return self.pins is not None and self.pins.is_sampled_only


class Energy(msgspec.Struct, rename=SHORT, omit_defaults=True):
    """Energy in mWh, and the readings that it is based on."""

    mwh: int = 0
    begin_mwh: int | None = None  # the register at the begin and at the end (so far), as believed
    end_mwh: int | None = None
    basis: int = Basis.UNSPECIFIED
    series: int = 0
    flags: tuple[str, ...] = ()


def assess(registers: Mapping[int, Register], terms: Terms) -> Energy:
    """Energy by one of the registers, which are keyed by series (`event_record.py`)."""
    if not registers:
        return Energy()
    if terms.started_at is None:
        began = (register.runs[0].first_at for register in registers.values() if register.begun)
        terms = msgspec.structs.replace(terms, started_at=next(began, None))
    series = min(registers, key=lambda series: _preference(series, registers[series]))
    energy = assess_register(registers[series], terms, series)
    if len(registers) == 1:
        return energy
    if not _is_whole(registers[series]) and any(register.ended for register in registers.values()):
        return _across_series(registers, terms, energy)
    flags = set(energy.flags)
    for other, register in registers.items():
        if is_signed(other) != is_signed(series) and _is_whole(register):
            flags |= _differences(energy, assess_register(register, terms, other), is_scaled=terms.is_scaled)
    energy.flags = tuple(sorted(flags))
    return energy


def _preference(series: int, register: Register) -> tuple[bool, bool, bool, int]:
    """Sort key of registers, the preferred first: verified and whole, then whole, then with two readings."""
    is_whole = _is_whole(register)
    return not (is_whole and is_verified(series)), not is_whole, register.count < 2, series


def _is_whole(register: Register) -> bool:
    return register.begun and register.ended


def _across_series(registers: Mapping[int, Register], terms: Terms, energy: Energy) -> Energy:
    """Energy where begin and end are of different series: series of the same place and phases are comparable."""
    flagged = msgspec.structs.replace(energy, flags=tuple(sorted({*energy.flags, EnergyFlag.SERIES_MISMATCH})))
    for begun, ended in product(sorted(registers), repeat=2):
        first, last = registers[begun], registers[ended]
        if not first.begun or not last.ended or not is_same_but_proof(begun, ended):
            continue
        begin, end = first.runs[0], last.runs[last.current]
        most = last.most(begin.first_at, end.last_at, terms.power_w)
        if 0 <= end.last - begin.first <= most:
            flagged.mwh, flagged.begin_mwh, flagged.end_mwh = end.last - begin.first, begin.first, end.last
            flagged.basis, flagged.series = Basis.REGISTER, ended
            flagged.flags = (EnergyFlag.SERIES_MISMATCH,)
            break
    return flagged


def _differences(energy: Energy, other: Energy, *, is_scaled: bool) -> set[str]:
    """The flags of a difference between unsigned and signed readings. `is_scaled`: no scale has to be found."""
    if abs(energy.mwh - other.mwh) < ROUNDING_MWH:
        return set()
    if energy.begin_mwh and other.begin_mwh and (power := _power_of_ten(energy.begin_mwh, other.begin_mwh, 0)):
        if not is_scaled:
            return {EnergyFlag.SCALE_MISMATCH}
        small, large = (energy.mwh, other.mwh) if power > 0 else (other.mwh, energy.mwh)
        factor: int = 10 ** abs(power)
        if abs(large - small * factor) <= ROUNDING_MWH * factor:
            return set()
    return {EnergyFlag.SIGNED_DIFFERS}


def assess_register(register: Register, terms: Terms, series: int = 0) -> Energy:
    """Energy by the readings of one register."""
    if not register.runs:
        return Energy(series=series)
    if register.is_sound:
        return sound_energy(register, series)
    energy = _Assessment(register, terms, series).result()
    if energy.basis == Basis.REGISTER:
        energy.basis = _basis(series)
    return energy


def sound_energy(register: Register, series: int) -> Energy:
    """Energy by a register whose readings all follow the one before."""
    run = register.runs[0]
    return Energy(mwh=run.rise, begin_mwh=run.first, end_mwh=run.last, basis=_basis(series), series=series)


def _basis(series: int) -> int:
    return Basis.SIGNED_REGISTER if is_verified(series) else Basis.REGISTER


class _Link(Enum):
    """The relation of a run of readings to the one before it."""

    WRONG_READING = auto()  # the last reading before a fall was wrong
    RESTART = auto()  # the register started over
    SCALED = auto()  # the same register in another scale
    WRONG_BEGIN = auto()  # the reading of the begin was wrong
    LEAP = auto()  # a rise that power and time do not allow


class _Assessment:
    """One assessment: the begin is judged first, then the end, then the runs between them."""

    def __init__(self, register: Register, terms: Terms, series: int) -> None:
        self._register = register
        self._terms = terms
        self._series = series
        self._previous = terms.previous_mwh if terms.previous_series == series else None
        self._flags: set[str] = set()
        self._basis = Basis.REGISTER
        self._chain: list[Run] = register.chain
        self._begin = self._chain[0].first
        self._end = register.runs[register.current].last
        # The most energy that can have passed since the begin.
        since, until = terms.started_at or register.runs[0].first_at, register.runs[register.current].last_at
        self._most = register.most(since, until, terms.power_w)

    def result(self) -> Energy:
        """Energy as far as the readings are plausible."""
        if self._register.fell:
            self._flags.add(EnergyFlag.METER_ROLLBACK)
        self._judge_begin()
        mwh, end = self._end_minus_begin() or self._in_two_scales() or self._along_runs()
        return Energy(
            mwh=max(mwh, 0),
            begin_mwh=None if end is None else self._begin,
            end_mwh=end,
            basis=Basis.NONE if end is None else self._basis,
            series=self._series,
            flags=tuple(sorted(self._flags)),
        )

    # The begin

    def _judge_begin(self) -> None:
        """Finds a begin that is missing, or a 0 in the place of a register that the station did not know."""
        register, first, pinned = self._register, self._chain[0], self._terms.placeholder
        if not register.begun and not self._terms.is_sampled_only:
            self._flags.add(EnergyFlag.BEGIN_PLACEHOLDER)
            self._basis = Basis.FIRST_READING
        is_unknown = register.begun or not first.first
        reading, at = (register.second, register.second_at) if is_unknown else (first.first, first.first_at)
        if (register.begun and first.first) or reading is None or at is None or pinned is False:
            return
        if any(run.other for run in register.runs):
            return
        if self._previous and reading >= self._previous - max(10 * ROUNDING_MWH, register.step, self._previous // 1000):
            self._begin_with_previous(self._previous, reading, at)
        elif pinned and register.begun:
            self._begin_with_first(reading, at)

    def _begin_with_previous(self, previous: int, reading: int, at: Moment) -> None:
        """Uses the register of the previous transaction as the begin, if power and time allow the rise since then.

        Otherwise energy was charged between the two transactions, and the first reading is the begin.
        """
        if self._register.begun or not self._chain[0].first:
            self._begin_with_first(reading, at)
        since, missing = self._terms.started_at, reading - previous
        if since is None or missing > passed(since, at, self._terms.power_w, 0) + self._register.step:
            return
        self._flags.add(EnergyFlag.BEGIN_PLACEHOLDER)
        self._basis = Basis.PREVIOUS_TRANSACTION
        self._begin = min(previous, reading)
        self._chain = [msgspec.structs.replace(self._chain[0], first=self._begin), *self._chain[1:]]

    def _begin_with_first(self, reading: int, at: Moment) -> None:
        """Takes the first reading after the begin in its place."""
        self._flags.add(EnergyFlag.BEGIN_PLACEHOLDER)
        self._begin, self._basis = reading, Basis.FIRST_READING
        first, *rest = self._chain
        if first.last:
            rest.insert(0, msgspec.structs.replace(first, first=reading, first_at=at, count=first.count - 1))
        self._chain = rest

    # The end

    def _end_minus_begin(self) -> tuple[int, int] | None:
        """End less begin, if all readings lie between: then neither their order nor a clock set back matters."""
        register, begin, end = self._register, self._begin, self._end
        lowest = begin if register.lowest is None else register.lowest
        highest = end if register.highest is None else register.highest
        slack = register.tolerance
        if not register.ended or lowest <= begin - slack or highest >= end + slack:
            return None
        return (end - begin, end) if self._is_possible(begin, end) and self._is_begun() else None

    def _is_begun(self) -> bool:
        """Whether the reading after the first can follow it."""
        second, second_at, first_at = self._register.second, self._register.second_at, self._register.runs[0].first_at
        if second is None or second_at is None:
            return True
        return second - self._begin <= self._register.most(first_at, second_at, self._terms.power_w)

    def _is_possible(self, begin: int, end: int) -> bool:
        return -ROUNDING_MWH < end - begin <= self._most

    def _in_two_scales(self) -> tuple[int, int] | None:
        """Begin and end in one scale, all readings between in another: the larger of the two that is possible."""
        register, begin, end = self._register, self._begin, self._end
        if not register.ended or register.second is None or register.before_end is None:
            return None
        power = self._scale(begin, register.second, share=2)
        if not power or power != -self._scale(register.before_end, end, share=2):
            return None
        for tried in sorted((0, power), reverse=True) if power in _CONVERTED else (0,):
            scaled_begin, scaled_end = _times_ten_to(begin, tried), _times_ten_to(end, tried)
            if self._is_possible(scaled_begin, scaled_end):
                self._flags.add(EnergyFlag.SCALE_MISMATCH)
                self._basis = Basis.SCALED_REGISTER if tried else self._basis
                self._begin = scaled_begin
                return scaled_end - scaled_begin, scaled_end
        return None

    # Run by run

    def _along_runs(self) -> tuple[int, int | None]:
        """The rises of the runs that follow one another, and the steps between them as far as they are known."""
        register = self._register
        if others := [run for run in register.runs if run.other]:
            self._flags.add(self._kind_of(others))
        chain, links = self._in_one_scale()
        self._begin, self._end = chain[0].first, chain[-1].last
        if register.ended and links and chain[-1].count == 1 and links[-1] is not _Link.SCALED:
            if links[0] is not _Link.WRONG_BEGIN and self._is_possible(self._begin, self._end):
                self._flags.add(EnergyFlag.METER_ROLLBACK)
                return self._end - self._begin, self._end
            if links[-1] is not _Link.WRONG_READING:
                return self._without_end(chain[:-1], links[:-1])
        return self._sum(chain, links)

    def _in_one_scale(self) -> tuple[Sequence[Run], Sequence[_Link]]:
        """The runs, brought to the largest scale among them, and the relation of each to the one before.

        Where that results in more energy than can have passed, the power of ten is a coincidence or of no use.
        """
        chain, links = self._chain[:1], list[_Link]()
        for run in self._chain[1:]:
            power = self._scale(chain[-1].last, run.first)
            if power:
                self._flags.add(EnergyFlag.SCALE_MISMATCH)
            scaled = [_scaled(before, 10 ** max(power, 0)) for before in chain]
            scaled.append(_scaled(run, 10 ** max(-power, 0)))
            if power not in _CONVERTED or not self._is_possible_along(scaled):
                links.append(self._link(chain[-1], run))
                chain = [*chain, run]
                continue
            self._basis = Basis.SCALED_REGISTER
            links.append(_Link.SCALED)
            chain = scaled
        return chain, links

    def _is_possible_along(self, chain: Sequence[Run]) -> bool:
        """Whether no more energy than can have passed lies between begin and end of runs, nor within them."""
        return max(chain[-1].last - chain[0].first, sum(run.rise for run in chain)) <= self._most

    def _kind_of(self, others: Sequence[Run]) -> EnergyFlag:
        """The flag of runs beside the others: wrong readings, another scale of the register, or another counter."""
        first, counters = self._register.runs[0].first, [run for run in others if run.count > 1]
        if any(self._scale(first, run.first) for run in counters):
            return EnergyFlag.SCALE_MISMATCH
        return EnergyFlag.OTHER_COUNTER if any(run.rise for run in counters) else EnergyFlag.METER_ROLLBACK

    def _scale(self, low: int, high: int, *, share: int = 10) -> int:
        """The power of ten between two readings; 0 where their scale is the same or pinned."""
        return 0 if self._terms.is_scaled else _power_of_ten(low, high, self._most, share=share)

    def _link(self, run: Run, following: Run) -> _Link:
        """The link between a run and the next one of the same scale."""
        if following.first <= run.top:
            is_wrong = run.before is not None and following.first > run.before - ROUNDING_MWH
            return _Link.WRONG_READING if is_wrong else _Link.RESTART
        is_begin = run is self._register.runs[0] and (not run.last or (self._register.begun and run.count == 1))
        return _Link.WRONG_BEGIN if is_begin else _Link.LEAP

    def _without_end(self, chain: Sequence[Run], links: Sequence[_Link]) -> tuple[int, int | None]:
        """Energy up to the last plausible reading; none where begin and end are the only readings, and contradict."""
        if len(chain) > 1 or chain[0].count > 1 or not self._register.begun or self._end < chain[0].first:
            self._flags.add(EnergyFlag.END_IMPLAUSIBLE)
            self._basis = Basis.LAST_BELIEVED_READING
            return self._sum(chain, links)
        self._flags.add(EnergyFlag.ENERGY_IMPLAUSIBLE if chain[0].first else EnergyFlag.BEGIN_PLACEHOLDER)
        return 0, None

    def _sum(self, chain: Sequence[Run], links: Sequence[_Link]) -> tuple[int, int | None]:
        total, last = self._register.settled + chain[0].rise, chain[0].last
        for link, (run, following) in zip(links, pairwise(chain), strict=True):
            step = self._step(link, run, following)
            if step is None:
                self._basis = Basis.LAST_BELIEVED_READING
                break
            if total + step + following.rise > self._most:
                self._flags.add(EnergyFlag.ENERGY_IMPLAUSIBLE)
                self._basis = Basis.LAST_BELIEVED_READING
                break
            total, last = total + step + following.rise, following.last
        return total, last

    def _step(self, link: _Link, run: Run, following: Run) -> int | None:
        """Energy between two runs; None until the end shows whether the second one counts."""
        if link is _Link.WRONG_READING:
            return following.first - run.last
        if link is _Link.SCALED:
            return max(following.first - run.last, 0)
        if link is _Link.WRONG_BEGIN:
            self._flags.add(EnergyFlag.BEGIN_IMPLAUSIBLE if run.first else EnergyFlag.BEGIN_PLACEHOLDER)
            self._begin, self._basis = following.first, Basis.FIRST_READING
            return 0
        if not self._register.ended:
            if link is _Link.LEAP:
                self._flags.add(EnergyFlag.OTHER_COUNTER)
            return None
        self._flags.add(EnergyFlag.METER_RESTART)
        self._basis = Basis.RESTARTED_REGISTER
        return 0


def _scaled(run: Run, factor: int) -> Run:
    if factor == 1:
        return run
    before = None if run.before is None else run.before * factor
    return msgspec.structs.replace(
        run, first=run.first * factor, last=run.last * factor, fallen=run.fallen * factor, before=before
    )


def _times_ten_to(mwh: int, power: int) -> int:
    factor: int = 10 ** abs(power)
    return mwh * factor if power >= 0 else mwh // factor


def _power_of_ten(before: int, after: int, most_mwh: int, *, share: int = 10) -> int:
    """The power of ten from a reading to a later one of the same register in another scale; 0 if there is none.

    The smaller one may be rounded to whole watt-hours, and up to `most_mwh` passed between the two: a part of the
    register no larger than one in `share`, where a single pair of readings could be a coincidence.
    """
    for power in _POWERS:
        if min(before, after) < _LEAST_SCALED_MWH[power]:
            break
        factor = 10**power
        unit = ROUNDING_MWH * factor
        if -unit <= after - before * factor <= unit + min(most_mwh, before * factor // share):
            return power
        if (
            -unit <= before - after * factor + min(most_mwh, after * factor // share)
            and before <= after * factor + unit
        ):
            return -power
    return 0
