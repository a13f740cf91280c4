"""The readings of a transaction by register, in order, and their energy. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from transaction_svc.energy import Basis, Energy, EnergyFlag, Terms, assess, sound_energy
from transaction_svc.event_record import BEGIN, END, ENDED, STARTED, UPDATED, EventRecord, Reading
from transaction_svc.register import Moment, ReadingKey, Register
from transaction_svc.stored_names import SHORT

ReportedReading = tuple[int, int]
"""Series and register in mWh, as the station reported it."""


class Stop(msgspec.Struct, frozen=True, rename=SHORT, omit_defaults=True):
    """The position of a transaction's end among its events."""

    order_us: int
    seq_no: int | None = None


class Metering(msgspec.Struct, rename=SHORT, omit_defaults=True):
    """The readings so far. `take` adds those of an event; `rebuild` starts over where one came out of order."""

    registers: dict[int, Register] = {}  # by series
    terms: Terms = msgspec.field(default_factory=Terms)
    reported_begin: ReportedReading | None = None
    reported_end: ReportedReading | None = None
    stop: Stop | None = None
    assessed: Energy | None = None  # None for sound readings, whose energy is cheap to compute
    broken: bool = False  # a register was negative
    by_sequence: bool = False  # times go back: readings are ordered by seq_no
    interval_series: int | None = None
    interval_mwh: int = 0
    interval_us: int | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the readings have no anomaly."""
        return self.assessed is None and not self.broken

    @property
    def energy(self) -> Energy:
        """Energy by the registers."""
        if self.assessed is None:
            for series, register in self.registers.items():
                return sound_energy(register, series)
        return self.assessed or Energy()

    @property
    def energy_mwh(self) -> int:
        """Believed energy."""
        if self.assessed is None and self.interval_us is None:  # nearly always; used several times per event
            for register in self.registers.values():
                return register.runs[0].rise
        return self.interval_mwh if self.stands_on_intervals else self.energy.mwh

    @property
    def power_w(self) -> int | None:
        """Power between the two latest readings of the register that the energy is based on, in watts."""
        register = self._register
        power_w = None if register is None else register.power_w
        return self.terms.power_w if power_w is not None and power_w > self.terms.power_w else power_w

    def measured_w(self, at_us: int, power_w: int) -> int | None:
        """The power that the station measured then, in watts; that of the register where this was read later."""
        register = self._register
        if register is not None and register.runs and register.runs[register.current].last_at.station_us > at_us:
            return self.power_w
        return min(power_w, self.terms.power_w)

    @property
    def _register(self) -> Register | None:
        """The register that the energy is based on."""
        if self.assessed is not None:
            return self.registers.get(self.assessed.series)
        for register in self.registers.values():  # the only one
            return register
        return None

    @property
    def basis(self) -> int:
        """The readings that the energy is based on."""
        return Basis.INTERVALS if self.stands_on_intervals else self.energy.basis

    @property
    def stands_on_intervals(self) -> bool:
        """Whether the energy is the sum of intervals: only where no register was read twice."""
        return self.interval_us is not None and all(register.count <= 1 for register in self.registers.values())

    @property
    def meter_start_mwh(self) -> int | None:
        """The register at the start, as the station reported it."""
        return self.reported_begin[1] if self.reported_begin else None

    @property
    def meter_stop_mwh(self) -> int | None:
        """The register at the end, as the station reported it."""
        return self.reported_end[1] if self.reported_end else None

    @property
    def flags(self) -> Sequence[str]:
        """Flags of readings that do not add up."""
        if self.is_sound:
            return ()
        if self.broken and EnergyFlag.METER_ROLLBACK not in self.energy.flags:
            return (*self.energy.flags, EnergyFlag.METER_ROLLBACK)
        return self.energy.flags

    @property
    def fell(self) -> bool:
        """Whether a register ever fell, or was negative."""
        return self.broken or (self.assessed is not None and any(register.fell for register in self.registers.values()))

    @property
    def at_end(self) -> ReportedReading | None:
        """The register at the end; that of the transaction before where no reading was above 0."""
        found = self._at_end_alone()
        if (found is None or not found[1]) and self.terms.previous_mwh is not None:
            return self.terms.previous_series, self.terms.previous_mwh
        return found

    def _at_end_alone(self) -> ReportedReading | None:
        if not self.registers:
            return None
        if self.assessed is None:
            return next((series, register.runs[0].last) for series, register in self.registers.items())
        alone = assess(self.registers, msgspec.structs.replace(self.terms, previous_mwh=None))
        if alone.end_mwh is None:
            register = self.registers[alone.series]
            return alone.series, register.runs[register.current].last
        return alone.series, alone.end_mwh

    def follow(self, previous: ReportedReading | None) -> bool:
        """Takes the register at the end of the transaction before; returns whether it has changed."""
        series, mwh = previous or (0, None)
        if (series, mwh) == (self.terms.previous_series, self.terms.previous_mwh):
            return False
        self.terms.previous_series, self.terms.previous_mwh = series, mwh
        if self.assessed is not None or not self.registers:  # the energy of sound readings does not depend on it
            self.reassess()
        return True

    def begin(self, record: EventRecord) -> None:
        """Takes the time of a start without a reading; a reading has the same time."""
        if not record.readings:
            self.terms.started_at = Moment(
                record.order_us if record.time_us is None else record.time_us, record.recorded_us
            )

    def end(self, record: EventRecord) -> None:
        """Takes the end, before its readings."""
        self.stop = Stop(record.order_us, record.seq_no)

    def reassess(self) -> None:
        """Computes the energy again, after a change of readings or terms."""
        drops_end = self._is_end_implausible() and not self._has_end()
        self._assess()
        if drops_end:
            self._flag_end()

    def _assess(self) -> None:
        is_sound = len(self.registers) == 1 and all(register.is_sound for register in self.registers.values())
        self.assessed = None if is_sound else assess(self.registers, self.terms)

    def _flag_end(self) -> None:
        self.assessed = self.energy
        self.assessed.flags = tuple(sorted({*self.assessed.flags, EnergyFlag.END_IMPLAUSIBLE}))

    def counted(self, record: EventRecord) -> Iterable[Reading]:
        """The readings of an event that count by the meter profile, in its scale."""
        pins = self.terms.pins
        return record.readings if pins is None else pins.apply(record)

    def take(self, record: EventRecord) -> bool:
        """Takes an event's readings and intervals; False where one came out of order."""
        readings = record.readings
        if self.terms.pins is not None and self._has_another_last(record):
            return False
        if (
            readings
            and not (len(readings) == 1 and self._goes_on(readings[0], record))
            and not self._take_readings(record)
        ):
            return False
        return not record.intervals or self._take_intervals(record)

    def _goes_on(self, reading: Reading, record: EventRecord) -> bool:
        """Takes the only reading of an event in the ordinary case; False, with nothing changed, in others."""
        if self.assessed is not None or self.by_sequence or self.terms.pins is not None or reading.clock_us:
            return False
        if reading.rank == BEGIN:
            return record.kind == STARTED and self._begins(reading, record)
        if self.stop is not None and (record.kind != ENDED or reading.rank != END or self.reported_end is not None):
            return False
        register = self.registers.get(reading.series)
        if register is None or not register.go_on(
            reading.mwh, _moment(reading, record), self.terms.power_w, ends=reading.rank == END
        ):
            return False
        if reading.rank == END:
            self.reported_end = reading.series, reading.mwh
        return True

    def _begins(self, reading: Reading, record: EventRecord) -> bool:
        """Takes the begin of a transaction that has no other reading."""
        if self.registers or self.reported_begin is not None or self.broken or reading.mwh <= 0:
            return False
        self.registers[reading.series] = Register.begin(reading.mwh, _moment(reading, record))
        self.reported_begin = reading.series, reading.mwh
        return True

    def rebuild(self, records: Sequence[EventRecord]) -> None:
        """Takes the readings and intervals of all events."""
        for record in records:
            self._note_reported(record)
            self.broken = self.broken or any(reading.mwh < 0 for reading in self.counted(record))
        readings = self.in_order(records)
        self._push_all(taken for taken in readings if not self._is_closing(*taken))
        if self._is_end_implausible() and any(self._is_closing(*taken) for taken in readings):
            # The readings after the end are more plausible.
            self._push_all(taken for taken in readings if taken[0].rank != END)
            self._flag_end()
        self._rebuild_intervals(records)

    def _take_readings(self, record: EventRecord) -> bool:
        if self.stop is not None and record.kind == UPDATED:
            return self._is_after_end(record) or (self._has_end() and self._is_all_closing(record))
        self._note_reported(record)
        for reading in self.counted(record):
            if reading.mwh < 0:
                self.broken = True
            elif not self._take_reading(reading, record):
                return False
        self.reassess()
        return self.stop is None or not self._is_end_implausible()

    def _has_another_last(self, record: EventRecord) -> bool:
        """Whether another sampled reading becomes the end with this event, where only sampled ones count."""
        return self.terms.is_sampled_only and self.stop is not None and (record.kind == ENDED or bool(record.readings))

    def _is_end_implausible(self) -> bool:
        return self.assessed is not None and EnergyFlag.END_IMPLAUSIBLE in self.assessed.flags

    def _has_end(self) -> bool:
        return any(register.ended for register in self.registers.values())

    def _is_all_closing(self, record: EventRecord) -> bool:
        return not self._is_end_implausible() and all(self._is_closing(reading, record) for reading in record.readings)

    def _is_after_end(self, record: EventRecord) -> bool:
        """Whether an event is after the end by its seq_no (2.x)."""
        if self.stop is None or record.kind != UPDATED or record.seq_no is None:
            return False
        if self.stop.seq_no:
            return (record.seq_no, record.order_us) > (self.stop.seq_no, self.stop.order_us)
        return record.order_us > self.stop.order_us

    def _is_closing(self, reading: Reading, record: EventRecord) -> bool:
        """Whether a reading was measured after an end with a register (quirk 22, 1.6)."""
        if self.stop is None or record.kind != UPDATED or record.seq_no is not None or self.terms.is_sampled_only:
            return False
        return reading.at_us > self.stop.order_us and self.reported_end is not None and self.reported_end[1] >= 0

    def _note_reported(self, record: EventRecord) -> None:
        """Notes begin and end as reported; of several series those of the preferred one."""
        for reading in record.readings:
            reported = reading.series, reading.mwh
            if reading.rank == BEGIN and (self.reported_begin is None or reported[0] < self.reported_begin[0]):
                self.reported_begin = reported
            elif reading.rank == END and (self.reported_end is None or reported[0] <= self.reported_end[0]):
                self.reported_end = reported

    def _take_reading(self, reading: Reading, record: EventRecord) -> bool:
        register = self.registers.get(reading.series)
        if register is None:
            register = self.registers[reading.series] = Register()
        key = self._key(reading, record)
        if register.runs and key <= register.key:
            return key == register.key
        self._push(register, key, reading, record)
        return True

    def _key(self, reading: Reading, record: EventRecord) -> ReadingKey:
        # A begin in another event is ordered after that of the start.
        position = (record.seq_no or 0) if self.by_sequence else int(reading.rank == BEGIN and record.kind != STARTED)
        return reading.rank, position, reading.at_us, reading.mwh

    def _push(
        self, register: Register, key: ReadingKey, reading: Reading, record: EventRecord, *, is_last: bool = False
    ) -> None:
        """Adds a reading. `is_last`: it is the end of the transaction, although its rank is another."""
        register.push(
            reading.mwh,
            _moment(reading, record),
            begins=reading.rank == BEGIN or (self.terms.is_sampled_only and not register.runs),
            ends=reading.rank == END or is_last,
            power_w=self.terms.power_w,
        )
        register.rank, register.position = key[:2]
        register.last_us = reading.at_us if reading.clock_us else 0

    def in_order(self, records: Sequence[EventRecord]) -> Sequence[tuple[Reading, EventRecord]]:
        """The readings up to the end, each once: a stop may repeat earlier ones (1.6, transactionData)."""
        unique: dict[tuple[int, ReadingKey], tuple[Reading, EventRecord]] = {}
        for record in records:
            if not self._is_after_end(record):
                for reading in self.counted(record):
                    unique.setdefault((reading.series, self._key(reading, record)), (reading, record))
        sound = (taken for taken in unique.values() if taken[0].mwh >= 0)
        return sorted(sound, key=lambda taken: self._key(*taken))

    def _push_all(self, readings: Iterable[tuple[Reading, EventRecord]]) -> None:
        self.registers = {}
        taken = list(readings)
        has_sampled_end = self.stop is not None and self.terms.is_sampled_only
        last = {reading.series: index for index, (reading, _record) in enumerate(taken) if has_sampled_end}
        for index, (reading, record) in enumerate(taken):
            register = self.registers.setdefault(reading.series, Register())
            self._push(register, self._key(reading, record), reading, record, is_last=last.get(reading.series) == index)
        self._assess()

    def _take_intervals(self, record: EventRecord) -> bool:
        for at_us, series, energy in record.intervals:
            if energy < 0 or (self.interval_series is not None and series > self.interval_series):
                continue
            if self.interval_us is not None and (at_us <= self.interval_us or series != self.interval_series):
                return False
            self.interval_us, self.interval_series = at_us, series
            self.interval_mwh += energy
        return True

    def _rebuild_intervals(self, records: Iterable[EventRecord]) -> None:
        intervals = [interval for record in records for interval in record.intervals if interval[2] >= 0]
        if not intervals:
            return
        self.interval_series = min(series for _at_us, series, _energy in intervals)
        # A stop may repeat earlier intervals: each counts once.
        by_time = {at_us: energy for at_us, series, energy in sorted(intervals) if series == self.interval_series}
        self.interval_us, self.interval_mwh = max(by_time), sum(by_time.values())


def _moment(reading: Reading, record: EventRecord) -> Moment:
    return Moment(reading.clock_us or reading.at_us, record.recorded_us)
