import type { ReactNode } from "react";

import { useLanguage } from "../../i18n/catalogue";
import { enumColumn, SectionList, textColumn, timeColumn } from "../../resources";
import { ChargingProfileService } from "../../stubs/csms/station/v1/charging_profile_service_pb";
import {
  EnergyTransferMode,
  EnergyTransferModeSchema,
  EvChargingSchema,
  EvChargingState,
  EvChargingStateSchema,
  type EvCharging,
} from "../../stubs/csms/station/v1/ev_charging_pb";
import { EmptyState } from "../../ui";
import { energyOf, mostOf } from "./needs";
import { ratesOf } from "./rates";
import { useText } from "./text";

export function VehiclesList(props: { stationId: string }): ReactNode {
  const t = useText();
  const language = useLanguage();
  const { stationId } = props;
  return (
    <SectionList
      name="vehicles"
      label={t.vehicles}
      method={ChargingProfileService.method.listEvCharging}
      field="evCharging"
      request={{ stationId }}
      schema={EvChargingSchema}
      rowKey={(row) => String(row.evseId)}
      rowName={(row) => `${t.evse} ${String(row.evseId)}`}
      columns={[
        enumColumn<EvCharging>("state", t.state, EvChargingStateSchema, (row) => row.state, {
          [EvChargingState.ACTIVE]: "good",
          [EvChargingState.REJECTED]: "bad",
          [EvChargingState.FAILED]: "bad",
        }),
        textColumn<EvCharging>("evse", t.evse, (row) => String(row.evseId), { card: "head" }),
        textColumn<EvCharging>("transaction", t.transaction, (row) => row.transactionId),
        enumColumn<EvCharging>(
          "mode",
          t.mode,
          EnergyTransferModeSchema,
          (row) => row.needs?.energyTransferMode ?? EnergyTransferMode.UNSPECIFIED,
          {},
        ),
        textColumn<EvCharging>("takes", t.takes, (row) => mostOf(row.needs, language)),
        textColumn<EvCharging>("needs", t.needs, (row) => energyOf(row.needs, language)),
        timeColumn<EvCharging>("leaves", t.leaves, (row) => row.needs?.departureTime),
        textColumn<EvCharging>("profile", t.profile, (row) => String(row.chargingProfileId || "")),
        textColumn<EvCharging>("schedule", t.schedule, (row) => ratesOf(row.evSchedule, language)),
        textColumn<EvCharging>("exceeds", t.exceeds, (row) => (row.exceedsLimits ? t.yes : "")),
        timeColumn<EvCharging>("changed", t.changed, (row) => row.updateTime),
      ]}
      empty={
        <EmptyState title={t.noVehicles} icon="chart">
          <p>{t.noVehiclesText}</p>
        </EmptyState>
      }
    />
  );
}
