import type { ReactNode } from "react";

import { useLanguage } from "../../i18n/catalogue";
import { enumColumn, SectionList, textColumn, timeColumn } from "../../resources";
import {
  ChargingLimitSchema,
  ChargingLimitState,
  ChargingLimitStateSchema,
  type ChargingLimit,
} from "../../stubs/csms/station/v1/charging_limit_pb";
import { ChargingLimitSourceSchema } from "../../stubs/csms/station/v1/charging_profile_pb";
import { ChargingProfileService } from "../../stubs/csms/station/v1/charging_profile_service_pb";
import { EmptyState } from "../../ui";
import { ratesOf } from "./rates";
import { useText } from "./text";
import { VehiclesList } from "./VehiclesList";

export default function LimitsTab(props: { stationId: string }): ReactNode {
  return (
    <>
      <LimitsList {...props} />
      <VehiclesList {...props} />
    </>
  );
}

function LimitsList(props: { stationId: string }): ReactNode {
  const t = useText();
  const language = useLanguage();
  const { stationId } = props;
  return (
    <SectionList
      name="limits"
      label={t.title}
      method={ChargingProfileService.method.listChargingLimits}
      field="chargingLimits"
      request={{ stationId }}
      schema={ChargingLimitSchema}
      rowKey={(row) => `${String(row.evseId)} ${String(row.limitSource)}`}
      rowName={(row) => `${t.evse} ${String(row.evseId)}`}
      columns={[
        enumColumn<ChargingLimit>("state", t.state, ChargingLimitStateSchema, (row) => row.state, {
          [ChargingLimitState.ACTIVE]: "warning",
        }),
        textColumn<ChargingLimit>("evse", t.evse, (row) => String(row.evseId), { card: "head" }),
        enumColumn<ChargingLimit>("source", t.source, ChargingLimitSourceSchema, (row) => row.limitSource, {}),
        textColumn<ChargingLimit>("limits", t.limits, (row) => ratesOf(row.schedules[0], language)),
        textColumn<ChargingLimit>("critical", t.critical, (row) => (row.isGridCritical === true ? t.yes : "")),
        timeColumn<ChargingLimit>("received", t.received, (row) => row.receiveTime),
      ]}
      empty={
        <EmptyState title={t.empty} icon="chart">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}
