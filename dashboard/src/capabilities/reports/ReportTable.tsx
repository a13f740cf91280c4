import { useFormats } from "../../formats";
import { localeOf, useLanguage } from "../../i18n/catalogue";
import { stationHref } from "../../resources/hrefs";
import { DataTable, type Column } from "../../tables";
import { readSort, sortRows, writeSort } from "../../tables/columns";
import { Link, useUrlParameter } from "../../ui";
import { periodText, rowKey, startMs, type ReportRow } from "./measures";
import { useReportText } from "./text";
import type { ReportChoice } from "./useReport";

type Align = "end";
const END: Align = "end";

function useColumns(choice: ReportChoice, zone: string): Column<ReportRow>[] {
  const t = useReportText();
  const formats = useFormats();
  const locale = localeOf(useLanguage());
  const { group, grain } = choice;
  const figure = (id: string, label: string, value: (row: ReportRow) => number, text: (value: number) => string) => ({
    id,
    label,
    align: END,
    width: "minmax(132px, 1fr)",
    sortBy: value,
    cell: (row: ReportRow) => text(value(row)),
  });
  const places: Column<ReportRow>[] = [];
  if (group === "site") {
    places.push({
      id: "site",
      label: t.site,
      card: "head",
      sortBy: ({ site }) => site,
      cell: ({ site }) => site ?? "–",
    });
  }
  if (group === "station" || group === "connector") {
    places.push({
      id: "station",
      label: t.stationFilter,
      card: "head",
      sortBy: ({ stationId }) => stationId,
      cell: ({ stationId }) => <Link href={stationHref(stationId)}>{stationId}</Link>,
    });
  }
  if (group === "connector") {
    places.push({
      id: "place",
      label: t.place,
      width: "140px",
      cell: ({ evseId, connectorId }) => `${String(evseId || "–")} · ${String(connectorId || "–")}`,
    });
  }
  return [
    ...places,
    {
      id: "period",
      label: t.period,
      card: "head",
      width: "minmax(216px, 1.4fr)",
      sortBy: startMs,
      cell: (row) => periodText(startMs(row), grain, locale, zone),
    },
    figure("energy", t.energy, ({ energyWh }) => energyWh, formats.kWh),
    figure(
      "doubted",
      t.doubted,
      ({ flaggedEnergyWh }) => flaggedEnergyWh,
      (wh) => (wh > 0 ? formats.kWh(wh) : "–"),
    ),
    figure("peak", t.peak, ({ peakPowerW }) => peakPowerW, formats.kW),
    figure(
      "sessions",
      t.sessions,
      ({ startedCount }) => Number(startedCount),
      (count) => formats.number(count),
    ),
    figure(
      "ended",
      t.endedSessions,
      ({ endedCount }) => Number(endedCount),
      (count) => formats.number(count),
    ),
    figure("connected", t.connected, ({ connectedS }) => connectedS, formats.duration),
    figure("charging", t.charging, ({ chargingS }) => chargingS, formats.duration),
  ];
}

export function ReportTable(props: {
  rows: readonly ReportRow[];
  choice: ReportChoice;
  zone: string;
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: (() => void) | undefined;
}) {
  const t = useReportText();
  const [sort, setSort] = useUrlParameter("sort");
  const columns = useColumns(props.choice, props.zone);
  const present = readSort(sort);
  return (
    <DataTable
      label={t.table}
      columns={columns}
      rows={sortRows(props.rows, columns, present)}
      rowKey={rowKey}
      sort={present}
      onSort={(next) => {
        setSort(writeSort(next));
      }}
      compact
      maxRows={20}
      hasMore={props.hasMore}
      isLoadingMore={props.isLoadingMore}
      {...(props.onMore ? { onMore: props.onMore } : {})}
    />
  );
}
