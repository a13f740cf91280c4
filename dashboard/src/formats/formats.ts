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
  /** The time of the day to the second. */
  clock: (instant: Instant) => string;
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

/** Makes each thing once: to make a format of Intl costs as much as to write some hundred values with it. */
function kept<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    let one = made.get(key);
    if (one === undefined) made.set(key, (one = make(key)));
    return one;
  };
}

function durationFormat(locale: string): Formats["duration"] {
  const unitOf = kept(
    (name: string) => new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "short" }),
  );
  const unit = (value: number, name: string) => unitOf(name).format(value);
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
  const fixedOf = kept(
    (digits) =>
      new Intl.NumberFormat(locale, { minimumFractionDigits: Number(digits), maximumFractionDigits: Number(digits) }),
  );
  const fixed = (digits: number) => fixedOf(String(digits));
  const [plain, one, two] = [new Intl.NumberFormat(locale), fixed(1), fixed(2)];
  const dateTimeOptions = { dateStyle: "medium", timeStyle: "medium" } as const;
  // By the name of the zone; empty for that of the viewer.
  const zoneOptions = (name: string) => (name ? { timeZone: name } : inZone);
  const dateTimeOf = kept((name) => new Intl.DateTimeFormat(locale, { ...dateTimeOptions, ...zoneOptions(name) }));
  const zoneNameOf = kept((name) => new Intl.DateTimeFormat(locale, { timeZoneName: "short", ...zoneOptions(name) }));
  const zoneName = (ms: number, name: string) =>
    zoneNameOf(name)
      .formatToParts(ms)
      .find((part) => part.type === "timeZoneName")?.value ?? "";
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", ...inZone });
  const time = new Intl.DateTimeFormat(locale, { timeStyle: "short", ...inZone });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium", ...inZone });
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
    dateTime: (instant, timeZone = "") => {
      const ms = toMs(instant);
      return `${dateTimeOf(timeZone).format(ms)} ${zoneName(ms, timeZone)}`;
    },
    date: (instant) => date.format(toMs(instant)),
    time: (instant) => time.format(toMs(instant)),
    clock: (instant) => clock.format(toMs(instant)),
    exactTime: (instant) => exact.format(toMs(instant)),
    relative: relativeFormat(locale),
    percent: (ratio) => percent.format(ratio),
    list: (items) => list.format(items),
  };
}

const formatsOf = kept((locale) => makeFormats(locale));

/** The formats of a locale in the viewer's zone, made once for all that write with them. */
export function sharedFormats(locale: string): Formats {
  return formatsOf(locale);
}
