// Times, energy and power as people write them. Pure: `makeFormats` has everything for one locale and one zone.
import type { Timestamp, Duration } from "@bufbuild/protobuf/wkt";
import { timestampMs } from "@bufbuild/protobuf/wkt";

export type Instant = Timestamp | Date | number;

export interface Formats {
  number: (value: number, digits?: number) => string;
  /** Energy of the register, in Wh, as kWh with two decimals. */
  kWh: (wh: number | bigint) => string;
  /** Power in W, as kW with one decimal. */
  kW: (w: number | bigint) => string;
  /** A length of time in seconds: `2 h 5 min`. */
  duration: (seconds: number) => string;
  /** Date and time with the zone. */
  dateTime: (instant: Instant, zone?: string) => string;
  date: (instant: Instant) => string;
  time: (instant: Instant) => string;
  /** The time of the day to the millisecond. */
  exactTime: (instant: Instant) => string;
  /** `3 minutes ago`. */
  relative: (instant: Instant, nowMs: number) => string;
  percent: (ratio: number) => string;
  list: (items: Iterable<string>) => string;
}

export function toMs(instant: Instant): number {
  if (typeof instant === "number") return instant;
  return instant instanceof Date ? instant.getTime() : timestampMs(instant);
}

export function durationS(duration: Duration): number {
  return Number(duration.seconds) + duration.nanos / 1e9;
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

function relativeFormat(locale: string): Formats["relative"] {
  const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  return (instant, nowMs) => {
    const seconds = Math.round((toMs(instant) - nowMs) / 1000);
    for (const [unit, size] of STEPS) {
      if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
    }
    return Math.abs(seconds) < 10 ? words.format(0, "second") : words.format(seconds, "second");
  };
}

function durationFormat(locale: string): Formats["duration"] {
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "short" }).format(value);
  return (seconds) => {
    const whole = Math.max(0, Math.round(seconds));
    const parts: string[] = [];
    const days = Math.floor(whole / 86_400);
    const hours = Math.floor((whole % 86_400) / 3_600);
    const minutes = Math.floor((whole % 3_600) / 60);
    if (days) parts.push(unit(days, "day"));
    if (hours) parts.push(unit(hours, "hour"));
    if (minutes && !days) parts.push(unit(minutes, "minute"));
    if (whole < 60 || (whole < 600 && whole % 60)) parts.push(unit(whole % 60, "second"));
    return parts.join(" ");
  };
}

export function makeFormats(locale: string, zone?: string): Formats {
  const inZone = zone ? { timeZone: zone } : {};
  const fixed = (digits: number) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [plain, one, two] = [new Intl.NumberFormat(locale), fixed(1), fixed(2)];
  const dateTimeOptions = { dateStyle: "medium", timeStyle: "medium" } as const;
  const dateTime = new Intl.DateTimeFormat(locale, { ...dateTimeOptions, ...inZone });
  const zoneName = (ms: number, timeZone?: string) =>
    new Intl.DateTimeFormat(locale, { timeZoneName: "short", ...(timeZone ? { timeZone } : inZone) })
      .formatToParts(ms)
      .find((part) => part.type === "timeZoneName")?.value ?? "";
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", ...inZone });
  const time = new Intl.DateTimeFormat(locale, { timeStyle: "short", ...inZone });
  const exact = new Intl.DateTimeFormat(locale, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    ...inZone,
  });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const list = new Intl.ListFormat(locale, { type: "conjunction" });
  return {
    number: (value, digits) => (digits === undefined ? plain : fixed(digits)).format(value),
    kWh: (wh) => `${two.format(Number(wh) / 1000)} kWh`,
    kW: (w) => `${one.format(Number(w) / 1000)} kW`,
    duration: durationFormat(locale),
    dateTime: (instant, timeZone) => {
      const ms = toMs(instant);
      const own = timeZone ? new Intl.DateTimeFormat(locale, { ...dateTimeOptions, timeZone }) : dateTime;
      return `${own.format(ms)} ${zoneName(ms, timeZone)}`;
    },
    date: (instant) => date.format(toMs(instant)),
    time: (instant) => time.format(toMs(instant)),
    exactTime: (instant) => exact.format(toMs(instant)),
    relative: relativeFormat(locale),
    percent: (ratio) => percent.format(ratio),
    list: (items) => list.format(items),
  };
}
