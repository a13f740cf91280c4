import type { ReactNode } from "react";

import { enumColumn, ResourceList, textColumn, timeColumn } from "../../resources";
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
import { useText } from "./text";

export default function ProfilesTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const { stationId } = props;
  const station = () => ({ stationId });
  const commands = CommandService.method;
  return (
    <ResourceList
      name="profiles"
      label={t.title}
      method={ChargingProfileService.method.listChargingProfiles}
      field="chargingProfiles"
      request={{ stationId }}
      schema={StationChargingProfileSchema}
      rowKey={(row) =>
        `${String(row.evseId)} ${String(row.chargingProfile?.chargingProfileId)} ${String(row.createTime?.seconds)}`
      }
      rowName={(row) => String(row.chargingProfile?.chargingProfileId ?? "")}
      columns={[
        enumColumn<StationChargingProfile>("state", t.state, ChargingProfileStateSchema, (row) => row.state, {
          [ChargingProfileState.ACTIVE]: "good",
          [ChargingProfileState.REJECTED]: "bad",
        }),
        textColumn<StationChargingProfile>("id", t.id, (row) => String(row.chargingProfile?.chargingProfileId ?? ""), {
          card: "head",
        }),
        textColumn<StationChargingProfile>("evse", t.evse, (row) => String(row.evseId)),
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
      ]}
      creates={[
        { method: commands.setChargingProfile, label: t.set, fixed: station, keepsAnswer: true },
        { method: commands.getCompositeSchedule, label: t.composite, icon: "chart", fixed: station, keepsAnswer: true },
        { method: commands.clearChargingProfile, label: t.clear, icon: "trash", fixed: station, keepsAnswer: true },
      ]}
      ignoreScope
      fill={false}
      empty={
        <EmptyState title={t.empty} icon="chart">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}
