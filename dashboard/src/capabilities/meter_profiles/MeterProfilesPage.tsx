import type { ReactNode } from "react";

import { useFormats } from "../../formats";
import { enumColumn, numberColumn, ResourcePage, rowJson, textColumn, timeColumn } from "../../resources";
import {
  EvseKindSchema,
  MeterProfileSchema,
  MeterProfileService,
  RegisterSourceSchema,
  type MeterProfile,
} from "../../stubs/csms/transaction/v1/meter_profile_service_pb";
import { EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = MeterProfileService;

function nameOf(row: MeterProfile): string {
  return (
    [row.stationId, row.vendorName, row.model, row.firmwareVersion].filter(Boolean).join(" ") || row.meterProfileId
  );
}

export default function MeterProfilesPage(): ReactNode {
  const t = useText();
  const formats = useFormats();
  const named = (row: MeterProfile) => ({ meterProfileId: row.meterProfileId });
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={method.listMeterProfiles}
      field="meterProfiles"
      schema={MeterProfileSchema}
      rowKey={(row) => row.meterProfileId}
      rowName={nameOf}
      columns={[
        textColumn<MeterProfile>("vendor", t.vendor, (row) => row.vendorName, { card: "head" }),
        textColumn<MeterProfile>("model", t.model, (row) => row.model, { card: "head" }),
        textColumn<MeterProfile>("station", t.station, (row) => row.stationId),
        textColumn<MeterProfile>("version", t.version, (row) => row.firmwareVersion),
        enumColumn<MeterProfile>("kind", t.kind, EvseKindSchema, (row) => row.evseKind, {}, { width: "120px" }),
        numberColumn<MeterProfile>(
          "power",
          t.power,
          (row) => row.maxPowerW,
          (value) => (value ? formats.kW(value) : "–"),
          {
            width: "140px",
          },
        ),
        enumColumn<MeterProfile>("source", t.source, RegisterSourceSchema, (row) => row.registerSource),
        timeColumn<MeterProfile>("changed", t.changed, (row) => row.updateTime),
        textColumn<MeterProfile>("by", t.by, (row) => row.updatedBy, { optional: true }),
      ]}
      creates={[{ method: method.setMeterProfile, label: t.set }]}
      actions={[
        {
          method: method.setMeterProfile,
          label: t.update,
          icon: "edit",
          initial: (row) => ({ meterProfile: rowJson(MeterProfileSchema, row) }),
        },
        { method: method.getMeterProfile, label: t.look, icon: "search", fixed: named, keepsAnswer: true },
        {
          method: method.deleteMeterProfile,
          label: t.remove,
          icon: "trash",
          danger: true,
          fixed: named,
          confirm: (row) => ({ title: `${t.remove}: ${nameOf(row)}`, text: t.removeText }),
        },
      ]}
      ignoreScope
      empty={
        <EmptyState title={t.empty} icon="chart">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}
