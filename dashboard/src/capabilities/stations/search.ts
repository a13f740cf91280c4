// Stations for the command palette: by a part of their id, name, site, vendor, model or serial number.
import { clientOf } from "../../api/transport";
import { stationHref } from "../../resources/hrefs";
import type { PaletteEntry } from "../../shell/capability";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { quoted } from "../../tables/filters";

const MOST = 8;

export async function search(text: string, signal: AbortSignal): Promise<PaletteEntry[]> {
  const answer = await clientOf(StationService).listStations({ pageSize: MOST, filter: quoted(text) }, { signal });
  return answer.stations.map((station) => ({
    id: `station.${station.stationId}`,
    label: station.displayName ? `${station.displayName} (${station.stationId})` : station.stationId,
    names: [station.stationId, station.displayName],
    hint: station.identity?.model ?? "",
    icon: "station",
    href: stationHref(station.stationId),
  }));
}
