import { ChargingRateUnit, type ChargingSchedule } from "../../stubs/csms/station/v1/charging_profile_pb";

const UNITS: Partial<Record<ChargingRateUnit, string>> = {
  [ChargingRateUnit.AMPERES]: "A",
  [ChargingRateUnit.WATTS]: "W",
};
const MOST_PERIODS = 4;

/** The limits of a schedule in their order, such as "16 → 8.1 A"; of long ones the first, and an ellipsis. */
export function ratesOf(schedule: ChargingSchedule | undefined, locale: string): string {
  if (schedule === undefined) {
    return "";
  }
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const limits = schedule.periods.slice(0, MOST_PERIODS).map((period) => number.format(period.limit));
  if (schedule.periods.length > MOST_PERIODS) {
    limits.push("…");
  }
  return `${limits.join(" → ")} ${UNITS[schedule.chargingRateUnit] ?? ""}`.trim();
}
