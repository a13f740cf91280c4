// Conditions and their numbers, kept up by events.
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { useQuery } from "@connectrpc/connect-query";
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { invalidate } from "../../api/queries";
import { useLiveEvents, useLiveInvalidation, type LiveFilter } from "../../live";
import type { ConditionKind } from "../../stubs/csms/condition/v1/condition_pb";
import { ConditionService } from "../../stubs/csms/condition/v1/condition_service_pb";
import { useScopeClause } from "../../tables/scope";
import { dropRows, usePagedRows } from "../../tables/usePagedRows";

const { countConditions, listConditions } = ConditionService.method;
const READ: readonly DescMethodUnary[] = [listConditions, countConditions];

/** Events after which a condition may have begun or ended. */
const CHANGES: LiveFilter = {
  types: [
    "condition.",
    "station.booted",
    "station.certificate_request",
    "station.condition_began",
    "alarm.",
    "station.condition_ended",
    "station.connected",
    "station.created",
    "station.credential_changed",
    "station.credential_failed",
    "station.deleted",
    "station.disconnected",
    "station.moved",
    "station.status_changed",
    "station.updated",
    "transaction.",
    "id_token.",
    "certificate.",
  ],
};
/** A station counts as offline so long after its connection ended: no event says so. */
const OFFLINE_AFTER_MS = 305_000;

export function readConditionsAnew(client: QueryClient): void {
  invalidate(client, ...READ);
}

/** A condition that has got or lost its acknowledgement: it leaves the list where it was, and no list has it twice. */
export function moveCondition(client: QueryClient, conditionId: string): void {
  dropRows(client, listConditions, "conditions", (condition) => condition.conditionId === conditionId);
  readConditionsAnew(client);
}

/** Reads anew once for each station that was disconnected shortly before, at the time at which it counts as offline. */
function useOfflineLater(): void {
  const client = useQueryClient();
  useEffect(() => {
    const timer = setTimeout(() => {
      readConditionsAnew(client);
    }, OFFLINE_AFTER_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [client]);
  useLiveEvents({ types: ["station.disconnected"] }, () => {
    setTimeout(() => {
      readConditionsAnew(client);
    }, OFFLINE_AFTER_MS);
  });
}

export function useConditionCounts() {
  const filter = useScopeClause();
  useLiveInvalidation(CHANGES, ...READ);
  useOfflineLater();
  return useQuery(countConditions, { filter });
}

export function useConditions(options: {
  acknowledged: boolean;
  kind: ConditionKind | undefined;
  isDisabled?: boolean;
}) {
  const filter = useScopeClause();
  return usePagedRows({
    method: listConditions,
    request: {
      acknowledged: options.acknowledged,
      kinds: options.kind === undefined ? [] : [options.kind],
      filter,
    },
    field: "conditions",
    rowKey: (condition) => condition.conditionId,
    pageSize: 100,
    isDisabled: options.isDisabled ?? false,
  });
}
