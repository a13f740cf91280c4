// Times of day in a zone of the IANA database: begins of days and months there, and ISO 8601 with its offset. Pure.

export interface WallTime {
  year: number;
  /** From 1. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    era: "short",
  });
  formats.set(zone, format);
  return format;
}

/** The zone of the person's browser. */
export function viewerZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** The time that a clock in the zone shows. */
export function wallTime(ms: number, zone: string): WallTime {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(ms)
      .map((part) => [part.type, Number(part.value)]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  return {
    year: of("year"),
    month: of("month"),
    day: of("day"),
    hour: of("hour"),
    minute: of("minute"),
    second: of("second"),
  };
}

function asUtc(wall: WallTime): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second);
}

function offsetMs(ms: number, zone: string): number {
  return asUtc(wallTime(ms, zone)) - Math.floor(ms / 1000) * 1000;
}

/** The begin of a day in the zone; `day` and `month` may be outside of their range, as for Date.UTC. */
export function dayStart(year: number, month: number, day: number, zone: string): number {
  const utc = Date.UTC(year, month - 1, day);
  // The offset of a guess may be that of before or after a change of clocks; a second guess settles it.
  const guess = utc - offsetMs(utc, zone);
  return utc - offsetMs(guess, zone);
}

/** The begin of the day in the zone that so many days lie between and the day of `ms`. */
export function startOfDay(ms: number, zone: string, days = 0): number {
  const { year, month, day } = wallTime(ms, zone);
  return dayStart(year, month, day + days, zone);
}

export function startOfMonth(ms: number, zone: string, months = 0): number {
  const { year, month } = wallTime(ms, zone);
  return dayStart(year, month + months, 1, zone);
}

function padded(value: number, length = 2): string {
  return String(value).padStart(length, "0");
}

/** `2026-12-01`: the day in the zone. */
export function isoDay(ms: number, zone: string): string {
  const { year, month, day } = wallTime(ms, zone);
  return `${padded(year, 4)}-${padded(month)}-${padded(day)}`;
}

/** `2026-12-01T14:03:00+01:00`: the time in the zone, with its offset. */
export function isoInZone(ms: number, zone: string): string {
  const { hour, minute, second } = wallTime(ms, zone);
  const offset = Math.round(offsetMs(ms, zone) / 60_000);
  const sign = offset < 0 ? "-" : "+";
  const size = Math.abs(offset);
  const time = [hour, minute, second].map((part) => padded(part)).join(":");
  return `${isoDay(ms, zone)}T${time}${sign}${padded(Math.floor(size / 60))}:${padded(size % 60)}`;
}

/** The begin of the day that a field `date` names; undefined where it names none. */
export function readIsoDay(text: string, zone: string, days = 0): number | undefined {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  return found ? dayStart(Number(found[1]), Number(found[2]), Number(found[3]) + days, zone) : undefined;
}
