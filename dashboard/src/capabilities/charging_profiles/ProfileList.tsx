import { enumColumn, enumFilter, stationColumn, textColumn, timeColumn } from "../../resources";
import { ChargingProfilePurposeSchema } from "../../stubs/csms/station/v1/charging_profile_pb";
import {
  ChargingProfileService,
  ChargingProfileState,
  ChargingProfileStateSchema,
  StationChargingProfileSchema,
  type StationChargingProfile,
} from "../../stubs/csms/station/v1/charging_profile_service_pb";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { EmptyState } from "../../ui";
import { ProfileChart } from "./LimitsChart";
import type { Text } from "./text";

const commands = CommandService.method;

function nameOf(row: StationChargingProfile): string {
  return String(row.chargingProfile?.chargingProfileId ?? "");
}

/** The list of the charging profiles of a station; of all stations without one. */
export function profileList(t: Text, stationId?: string) {
  const fixed = stationId === undefined ? {} : { fixed: () => ({ stationId }) };
  return {
    label: t.title,
    method: ChargingProfileService.method.listChargingProfiles,
    field: "chargingProfiles" as const,
    request: { stationId: stationId ?? "-" },
    schema: StationChargingProfileSchema,
    details: (row: StationChargingProfile) => <ProfileChart profile={row} />,
    rowKey: (row: StationChargingProfile) =>
      [row.stationId, row.evseId, nameOf(row), row.createTime?.seconds, row.createTime?.nanos].map(String).join("/"),
    rowName: (row: StationChargingProfile) =>
      stationId === undefined ? `${row.stationId} ${nameOf(row)}` : nameOf(row),
    columns: [
      enumColumn<StationChargingProfile>("state", t.state, ChargingProfileStateSchema, (row) => row.state, {
        [ChargingProfileState.ACTIVE]: "good",
        [ChargingProfileState.REJECTED]: "bad",
      }),
      ...(stationId === undefined
        ? [stationColumn<StationChargingProfile>(t.station, "profiles", (row) => row.stationId)]
        : []),
      textColumn<StationChargingProfile>("id", t.id, nameOf, { card: "head", width: "90px" }),
      textColumn<StationChargingProfile>("evse", t.evse, (row) => String(row.evseId), { width: "80px" }),
      enumColumn<StationChargingProfile>(
        "purpose",
        t.purpose,
        ChargingProfilePurposeSchema,
        (row) => row.chargingProfile?.purpose ?? 0,
        {},
        { width: "minmax(200px, 1.5fr)" },
      ),
      textColumn<StationChargingProfile>("level", t.level, (row) => String(row.chargingProfile?.stackLevel ?? "")),
      timeColumn<StationChargingProfile>("changed", t.changed, (row) => row.updateTime),
    ],
    filters: [
      enumFilter("state", t.state, ChargingProfileStateSchema),
      enumFilter("purpose", t.purpose, ChargingProfilePurposeSchema),
    ],
    creates: [
      { method: commands.setChargingProfile, label: t.set, ...fixed, keepsAnswer: true },
      ...(stationId === undefined
        ? []
        : [
            {
              method: commands.getCompositeSchedule,
              label: t.composite,
              icon: "chart" as const,
              ...fixed,
              keepsAnswer: true,
            },
            {
              method: commands.clearChargingProfile,
              label: t.clear,
              icon: "trash" as const,
              ...fixed,
              keepsAnswer: true,
            },
          ]),
    ],
    empty: (
      <EmptyState title={t.empty} icon="chart">
        <p>{t.emptyText}</p>
      </EmptyState>
    ),
  };
}
