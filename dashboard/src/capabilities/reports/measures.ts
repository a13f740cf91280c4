// The measures of a report: their figures, units and columns. Pure.
import { timestampMs } from "@bufbuild/protobuf/wkt";

import { rounded, type CsvColumn } from "../../formats/csv";
import { isoInZone } from "../../formats/zones";
import type { EnergyRollup } from "../../stubs/csms/transaction/v1/energy_service_pb";
import type { Grain } from "./periods";
import type { ReportText } from "./text";

export interface ReportRow extends EnergyRollup {
  /** The site of the row, where the rows are of sites. */
  site?: string;
}

export type MeasureName = "energy" | "peak" | "sessions" | "connected" | "charging";

export interface Measure {
  label: string;
  unit: string;
  digits: number;
  value: (row: EnergyRollup) => number;
  /** The part of it that is to be reviewed. */
  doubted?: (row: EnergyRollup) => number;
}

export function measuresOf(t: ReportText): Record<MeasureName, Measure> {
  return {
    energy: {
      label: t.energy,
      unit: "kWh",
      digits: 2,
      value: ({ energyWh }) => energyWh / 1000,
      doubted: ({ flaggedEnergyWh }) => flaggedEnergyWh / 1000,
    },
    peak: { label: t.peak, unit: "kW", digits: 1, value: ({ peakPowerW }) => peakPowerW / 1000 },
    sessions: { label: t.sessions, unit: "", digits: 0, value: ({ startedCount }) => Number(startedCount) },
    connected: { label: t.connected, unit: "h", digits: 1, value: ({ connectedS }) => connectedS / 3600 },
    charging: { label: t.charging, unit: "h", digits: 1, value: ({ chargingS }) => chargingS / 3600 },
  };
}

export function startMs(row: Pick<EnergyRollup, "startTime">): number {
  return row.startTime ? timestampMs(row.startTime) : 0;
}

export function rowKey(row: ReportRow): string {
  return [row.site, row.stationId, row.evseId, row.connectorId, startMs(row)].join("/");
}

/** The period as people write it: `1 Dec 2026`, `Dec 2026`, `1 Dec 2026, 14:00`. */
export function periodText(ms: number, grain: Grain, locale: string, zone: string): string {
  const options: Record<Grain, Intl.DateTimeFormatOptions> = {
    hour: {
      day: "numeric",
      month: "short",
      year: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      timeZoneName: "short",
    },
    day: { weekday: "short", day: "numeric", month: "short", year: "numeric" },
    month: { month: "long", year: "numeric" },
  };
  return new Intl.DateTimeFormat(locale, { ...options[grain], timeZone: zone }).format(ms);
}

/** The period below a bar: as short as can be. */
export function shortPeriodText(ms: number, grain: Grain, locale: string, zone: string): string {
  const options: Record<Grain, Intl.DateTimeFormatOptions> = {
    hour: { hour: "numeric" },
    day: { day: "numeric", month: "numeric" },
    month: { month: "short" },
  };
  return new Intl.DateTimeFormat(locale, { ...options[grain], timeZone: zone }).format(ms);
}

/** Headers are the same in every language, so that a program finds them. */
export function reportCsvColumns(zone: string): CsvColumn<ReportRow>[] {
  return [
    { header: "Site", value: ({ site }) => site },
    { header: "Station", value: ({ stationId }) => stationId },
    { header: "EVSE", value: ({ stationId, evseId }) => (stationId ? evseId : undefined) },
    { header: "Connector", value: ({ stationId, connectorId }) => (stationId ? connectorId : undefined) },
    { header: `Begin (${zone})`, value: (row) => isoInZone(startMs(row), zone) },
    { header: `End (${zone})`, value: ({ endTime }) => endTime && isoInZone(timestampMs(endTime), zone) },
    { header: "Energy (kWh)", value: ({ energyWh }) => rounded(energyWh / 1000, 6) },
    { header: "Energy to review (kWh)", value: ({ flaggedEnergyWh }) => rounded(flaggedEnergyWh / 1000, 6) },
    { header: "Highest quarter hour (kW)", value: ({ peakPowerW }) => rounded(peakPowerW / 1000, 3) },
    { header: "Sessions begun", value: ({ startedCount }) => Number(startedCount) },
    { header: "Sessions ended", value: ({ endedCount }) => Number(endedCount) },
    { header: "Time connected (s)", value: ({ connectedS }) => rounded(connectedS, 3) },
    { header: "Time charging (s)", value: ({ chargingS }) => rounded(chargingS, 3) },
  ];
}
