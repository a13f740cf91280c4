// Sites as a tree: each below the one that it is a part of. Pure.
import type { Site } from "../../stubs/csms/station/v1/site_pb";

export interface SiteNode {
  site: Site;
  parts: readonly SiteNode[];
}

export function nameOf(site: Pick<Site, "displayName" | "siteId">): string {
  return site.displayName || site.siteId;
}

/** The sites as a tree, by name. A site whose parent the caller may not see stands at the top. */
export function treeOf(sites: readonly Site[]): SiteNode[] {
  const known = new Set(sites.map((site) => site.siteId));
  const byParent = new Map<string, Site[]>();
  for (const site of sites) {
    const parent = known.has(site.parentSiteId) ? site.parentSiteId : "";
    const parts = byParent.get(parent);
    if (parts) parts.push(site);
    else byParent.set(parent, [site]);
  }
  const below = (parent: string): SiteNode[] =>
    (byParent.get(parent) ?? [])
      .toSorted((a, b) => nameOf(a).localeCompare(nameOf(b), undefined, { numeric: true }))
      .map((site) => ({ site, parts: below(site.siteId) }));
  return below("");
}

function textOf(site: Site): string {
  const labels = Object.entries(site.labels).map(([key, value]) => `${key}:${value}`);
  return [site.siteId, site.displayName, site.kind, site.address?.locality ?? "", ...labels].join(" ").toLowerCase();
}

/** The part of the tree that has all of the words, with the sites above each find. */
export function found(nodes: readonly SiteNode[], text: string): readonly SiteNode[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return nodes;
  const narrowed = (node: SiteNode): SiteNode[] => {
    const own = textOf(node.site);
    const parts = node.parts.flatMap(narrowed);
    return parts.length > 0 || words.every((word) => own.includes(word)) ? [{ ...node, parts }] : [];
  };
  return nodes.flatMap(narrowed);
}

/** The sites that have parts: those that can be expanded. */
export function branches(nodes: readonly SiteNode[]): string[] {
  return nodes.flatMap((node) => (node.parts.length > 0 ? [node.site.siteId, ...branches(node.parts)] : []));
}

/** The sites that a site can be moved into: all but itself, its parts, and the one that it is in. */
export function possibleParents(sites: readonly Site[], site: Site): Site[] {
  return sites.filter((other) => !other.path.includes(site.siteId) && other.siteId !== site.parentSiteId);
}

/** The names from the outermost site down to this one; ids where a site above is not visible. */
export function pathText(site: Site, names: ReadonlyMap<string, string>): string {
  return site.path.map((siteId) => names.get(siteId) ?? siteId).join(" / ");
}
