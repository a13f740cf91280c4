// The runs of this window, with the calls that they make.
import { useSyncExternalStore } from "react";

import { clientOf } from "../../api/transport";
import { RegistrationStatus } from "../../stubs/csms/station/v1/station_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { Runs, type Run } from "./runs";

const stations = clientOf(StationService);

export const runs = new Runs({
  accept: (stationId) =>
    stations.updateStation({
      station: { stationId, registrationStatus: RegistrationStatus.ACCEPTED },
      updateMask: { paths: ["registration_status"] },
    }),
  reconnect: (stationId) => stations.closeConnection({ stationId }),
});

export function useRun(id: string): Run | undefined {
  return useSyncExternalStore(runs.subscribe, () => runs.get(id));
}

export function runHref(id: string): string {
  return `/station-answers/${encodeURIComponent(id)}`;
}
