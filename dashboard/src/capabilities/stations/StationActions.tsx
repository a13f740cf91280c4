import { useMutation } from "@connectrpc/connect-query";
import { useState } from "react";

import { readError } from "../../api/errors";
import { usePermissions } from "../../api/permissions";
import { CommandService, ResetStatus } from "../../stubs/csms/station/v1/command_service_pb";
import { StationConditionType, type Station } from "../../stubs/csms/station/v1/station_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { Button, ConfirmDialog, toast } from "../../ui";
import { nameOf } from "./columns";
import { useStationText } from "./text";

/** The actions that the state of the station calls for. */
export function StationActions(props: { station: Station }) {
  const t = useStationText();
  const permissions = usePermissions();
  const { station } = props;
  const [asking, setAsking] = useState(false);
  const onError = (error: unknown) => {
    toast(readError(error).message, "bad");
  };
  const reset = useMutation(CommandService.method.reset, {
    onError,
    onSuccess: ({ status }) => {
      if (status === ResetStatus.REJECTED) toast(t.restartRefused, "bad");
      else toast(t.restarted);
    },
  });
  const close = useMutation(StationService.method.closeConnection, {
    onError,
    onSuccess: () => {
      toast(t.reconnecting);
    },
  });
  if (!station.connected) return null;
  const { stationId } = station;
  const silent = station.conditions.some(({ type }) => type === StationConditionType.UNRESPONSIVE);
  return (
    <>
      {permissions.can(StationService.method.closeConnection) && (
        <Button
          kind={silent ? "primary" : "plain"}
          icon="refresh"
          isPending={close.isPending}
          onPress={() => {
            close.mutate({ stationId });
          }}
        >
          {t.reconnect}
        </Button>
      )}
      {permissions.can(CommandService.method.reset) && (
        <Button
          icon="power"
          isPending={reset.isPending}
          onPress={() => {
            setAsking(true);
          }}
        >
          {t.restart}
        </Button>
      )}
      <ConfirmDialog
        title={t.restartTitle(nameOf(station))}
        action={t.restart}
        isOpen={asking}
        onClose={() => {
          setAsking(false);
        }}
        onConfirm={() => {
          setAsking(false);
          reset.mutate({ stationId });
        }}
      >
        <p>{t.restartText}</p>
      </ConfirmDialog>
    </>
  );
}
