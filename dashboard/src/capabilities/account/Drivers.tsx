import { useState, type ReactNode } from "react";

import { usePermissions } from "../../api/permissions";
import { enumColumn, ExportButton, SectionList, textColumn, timeColumn } from "../../resources";
import { DataExportService as AuthData } from "../../stubs/csms/auth/v1/data_export_service_pb";
import {
  DriverErasureSchema,
  DriverErasureState,
  DriverErasureStateSchema,
  type DriverErasure,
} from "../../stubs/csms/auth/v1/driver_erasure_pb";
import { DriverErasureService } from "../../stubs/csms/auth/v1/driver_erasure_service_pb";
import { EmptyState, Section, TextField } from "../../ui";
import { EXPORTS } from "./exports";
import { useText } from "./text";

const { method } = DriverErasureService;

function DriverExports() {
  const t = useText();
  const [idToken, setIdToken] = useState("");
  return (
    <Section title={t.exportDriver}>
      <TextField label={t.driver} value={idToken} onChange={setIdToken} />
      {idToken.trim() !== "" &&
        Object.entries(EXPORTS).map(([name, client]) => (
          <ExportButton
            key={name}
            label={name}
            name={`driver-${name}.jsonl`}
            open={() => client.exportDriverData({ idToken: idToken.trim() })}
          />
        ))}
    </Section>
  );
}

/** A driver's data as files, and its erasure. */
export function Drivers(): ReactNode {
  const t = useText();
  const permissions = usePermissions();
  return (
    <>
      {permissions.can(AuthData.method.exportDriverData) && <DriverExports />}
      {permissions.can(method.listDriverErasures) && (
        <Section title={t.erase} flush>
          <SectionList
            name="erasures"
            label={t.erase}
            method={method.listDriverErasures}
            field="driverErasures"
            schema={DriverErasureSchema}
            rowKey={(row) => row.erasureId}
            columns={[
              textColumn<DriverErasure>("erasure", t.erasure, (row) => row.erasureId, { card: "head" }),
              enumColumn<DriverErasure>("state", t.state, DriverErasureStateSchema, (row) => row.state, {
                [DriverErasureState.FINISHED]: "good",
              }),
              timeColumn<DriverErasure>("asked", t.asked, (row) => row.createTime),
              timeColumn<DriverErasure>("finished", t.finished, (row) => row.finishTime),
            ]}
            creates={[
              {
                method: method.createDriverErasure,
                label: t.erase,
                icon: "trash",
                confirm: () => ({ title: `${t.erase}?`, text: t.eraseText }),
                keepsAnswer: true,
              },
            ]}
            actions={[
              {
                method: method.getDriverErasure,
                label: t.look,
                icon: "search",
                fixed: (row) => ({ erasureId: row.erasureId }),
                keepsAnswer: true,
              },
            ]}
            empty={<EmptyState title={t.noErasures} icon="user" />}
          />
        </Section>
      )}
    </>
  );
}
