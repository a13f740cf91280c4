import { toJson, type JsonObject } from "@bufbuild/protobuf";
import { useQuery } from "@connectrpc/connect-query";
import type { ReactNode } from "react";

import { usePermissions } from "../../api/permissions";
import { MethodForm } from "../../forms";
import { withUpdateMask } from "../../resources";
import { StationSchema, type Station } from "../../stubs/csms/station/v1/station_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { ErrorState, Section, Skeleton, useGo } from "../../ui";
import { useText } from "./text";

const { method } = StationService;
// The fields of a station that an operator sets; the others are its own reports.
const OPERATORS = [
  "displayName",
  "registrationStatus",
  "securityProfile",
  "siteId",
  "labels",
  "credential",
  "credentialHash",
];

function Change(props: { station: Station; onDone: () => void }) {
  const t = useText();
  const all = toJson(StationSchema, props.station) as JsonObject;
  const before: JsonObject = Object.fromEntries(Object.entries(all).filter(([name]) => OPERATORS.includes(name)));
  const { stationId } = props.station;
  return (
    <Section title={t.change}>
      <MethodForm
        method={method.updateStation}
        action={t.change}
        intro={t.changeText}
        initial={{ station: before }}
        hidden={["update_mask", "station.station_id"]}
        prepare={(json) => {
          const asked = withUpdateMask(json, "station", before, []);
          return { ...asked, station: { ...(asked.station as JsonObject), stationId } };
        }}
        onDone={props.onDone}
      />
    </Section>
  );
}

export default function SetupTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const go = useGo();
  const permissions = usePermissions();
  const { stationId } = props;
  const { data, error, refetch } = useQuery(method.getStation, { stationId });
  if (!data?.station)
    return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Skeleton lines={6} />;
  return (
    <>
      <Change station={data.station} onDone={() => void refetch()} />
      {permissions.can(method.rotateCredential) && (
        <Section title={t.rotate}>
          <p>{t.rotateText}</p>
          <MethodForm method={method.rotateCredential} action={t.rotate} fixed={{ stationId }} />
        </Section>
      )}
      {permissions.can(method.deleteStation) && (
        <Section title={t.remove}>
          <MethodForm
            method={method.deleteStation}
            action={t.remove}
            fixed={{ stationId }}
            confirm={{ title: t.removeTitle(stationId), text: t.removeText }}
            answer={false}
            onDone={() => {
              go("/stations");
            }}
          />
        </Section>
      )}
    </>
  );
}
