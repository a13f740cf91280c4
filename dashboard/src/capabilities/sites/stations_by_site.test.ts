import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { SiteSchema } from "../../stubs/csms/station/v1/site_pb";
import { ConnectorStatus, StationSchema } from "../../stubs/csms/station/v1/station_pb";
import { mappedSites, sum, worstOf } from "./stations_by_site";

const coordinates = { latitude: 52.5, longitude: 13.4 };
const SITES = [
  create(SiteSchema, { siteId: "berlin", path: ["berlin"], coordinates }),
  create(SiteSchema, { siteId: "garage", path: ["berlin", "garage"] }),
  create(SiteSchema, { siteId: "mall", path: ["berlin", "mall"], coordinates: { latitude: 52.6, longitude: 13.5 } }),
  create(SiteSchema, { siteId: "nowhere", path: ["nowhere"] }),
];

function station(siteId: string, status: ConnectorStatus, connected = true) {
  return create(StationSchema, {
    siteId,
    connected,
    evses: [{ evseId: 1, connectors: [{ connectorId: 1, status }] }],
  });
}

describe("stations on the map", () => {
  const mapped = mappedSites(SITES, [
    station("berlin", ConnectorStatus.AVAILABLE),
    station("garage", ConnectorStatus.FAULTED),
    station("mall", ConnectorStatus.AVAILABLE, false),
    station("nowhere", ConnectorStatus.AVAILABLE),
    station("", ConnectorStatus.AVAILABLE),
  ]);

  it("count at the nearest site above that has coordinates", () => {
    expect(mapped.map(({ site, total }) => [site.siteId, total])).toEqual([
      ["berlin", 2],
      ["mall", 1],
    ]);
  });

  it("show the worst of their states", () => {
    expect(mapped.map(({ counts }) => worstOf(counts))).toEqual(["faulted", "offline"]);
  });

  it("are summed up in a cluster", () => {
    const all = sum(mapped.map(({ counts }) => counts));
    expect(Object.fromEntries(all)).toEqual({ available: 1, faulted: 1, offline: 1 });
    expect(worstOf(new Map())).toBeUndefined();
  });
});
