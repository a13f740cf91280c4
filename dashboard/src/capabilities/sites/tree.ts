// The order of sites as a tree: each after the site that it is a part of. Pure.
import type { Site } from "../../stubs/csms/station/v1/site_pb";

export function nameOf(site: Pick<Site, "displayName" | "siteId">): string {
  return site.displayName || site.siteId;
}

/** A text that sorts a site behind the one above it: the names of its path. */
export function pathText(site: Site, names: ReadonlyMap<string, string>): string {
  const above = site.path.filter((siteId) => siteId !== site.siteId);
  return [...above, site.siteId].map((siteId) => names.get(siteId) ?? siteId).join("\u0001");
}

/** The number of sites above this one. */
export function depthOf(site: Site): number {
  return site.path.filter((siteId) => siteId !== site.siteId).length;
}
