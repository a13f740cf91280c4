// The rows of a report: one request, or one for each site.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createQueryOptions, useQuery, useTransport } from "@connectrpc/connect-query";
import { useQueries } from "@tanstack/react-query";

import { usePermissions } from "../../api/permissions";
import { clientOf } from "../../api/transport";
import { SiteService } from "../../stubs/csms/station/v1/site_service_pb";
import { EnergyService, type ListEnergyRollupsRequestSchema } from "../../stubs/csms/transaction/v1/energy_service_pb";
import { allOf, quoted, usePagedRows, useScopeClause } from "../../tables";
import type { ReportRow } from "./measures";
import { GRANULARITIES, GROUPS, type Grain, type Group, type Span } from "./periods";

const { listEnergyRollups } = EnergyService.method;
const PAGE = 1000;
export const MOST_SITES = 20;
export const MOST_ROWS = 100_000;

export type RollupRequest = MessageInitShape<typeof ListEnergyRollupsRequestSchema>;

export interface ReportChoice {
  span: Span;
  grain: Grain;
  group: Group;
  zone: string;
  /** Beginning of station ids. */
  station: string;
}

export function useRequest(choice: ReportChoice): RollupRequest {
  const scope = useScopeClause();
  const { span, grain, group, zone, station } = choice;
  const stations = station
    ? allOf(`station_id >= ${quoted(station)}`, `station_id < ${quoted(`${station}\u{10FFFF}`)}`)
    : "";
  return {
    filter: allOf(stations, scope),
    startTime: timestampFromMs(span.startMs),
    endTime: timestampFromMs(span.endMs),
    granularity: GRANULARITIES[grain],
    group: GROUPS[group],
    timeZone: zone,
  };
}

/** The sums of all, for the chart. At most 768 hours, 3700 days or months: one page. */
export function useTotals(request: RollupRequest) {
  return useQuery(listEnergyRollups, { ...request, group: GROUPS.total, pageSize: PAGE });
}

export function useRows(request: RollupRequest, isDisabled: boolean) {
  return usePagedRows({
    method: listEnergyRollups,
    request,
    field: "energyRollups",
    rowKey: ({ stationId, evseId, connectorId, startTime }) =>
      [stationId, evseId, connectorId, startTime?.seconds].join("/"),
    pageSize: PAGE,
    isDisabled,
  });
}

/** The outermost sites, each with its name. */
export function useSites(isNeeded: boolean) {
  const permitted = usePermissions().can(SiteService.method.listSites);
  const { data } = useQuery(
    SiteService.method.listSites,
    { pageSize: PAGE },
    { enabled: isNeeded && permitted, staleTime: 300_000 },
  );
  const outermost = (data?.sites ?? []).filter(({ parentSiteId }) => parentSiteId === "");
  return {
    sites: outermost.slice(0, MOST_SITES).map((site) => ({ id: site.siteId, name: site.displayName || site.siteId })),
    isCut: outermost.length > MOST_SITES,
    isKnown: data !== undefined || !permitted,
  };
}

/** The rows of each site, with all its parts. */
export function useSiteRows(request: RollupRequest, sites: readonly { id: string; name: string }[]) {
  const transport = useTransport();
  const results = useQueries({
    queries: sites.map((site) =>
      createQueryOptions(
        listEnergyRollups,
        { ...request, filter: allOf(request.filter, `site:${quoted(site.id)}`), pageSize: PAGE },
        { transport },
      ),
    ),
  });
  const rows: ReportRow[] = results.flatMap(({ data }, index) =>
    (data?.energyRollups ?? []).map((row) => ({ ...row, site: sites[index]?.name ?? "" })),
  );
  return {
    rows,
    isLoading: results.some(({ isPending }) => isPending),
    error: results.find(({ error }) => error)?.error,
  };
}

/** All rows for an export. */
export async function readAllRows(
  request: RollupRequest,
  onProgress: (count: number) => void,
): Promise<{ rows: ReportRow[]; isCut: boolean }> {
  const rows: ReportRow[] = [];
  let pageToken = "";
  do {
    const answer = await clientOf(EnergyService).listEnergyRollups({ ...request, pageSize: PAGE, pageToken });
    rows.push(...answer.energyRollups);
    pageToken = answer.nextPageToken;
    onProgress(rows.length);
  } while (pageToken && rows.length < MOST_ROWS);
  return { rows, isCut: pageToken !== "" };
}
