import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { SiteSchema } from "../../stubs/csms/station/v1/site_pb";
import { branches, found, pathText, possibleParents, treeOf, type SiteNode } from "./tree";

function site(path: string, displayName = "", labels: Record<string, string> = {}) {
  const ids = path.split("/");
  return create(SiteSchema, {
    siteId: ids.at(-1) ?? "",
    parentSiteId: ids.at(-2) ?? "",
    path: ids,
    displayName,
    labels,
  });
}

const SITES = [
  site("berlin/garage", "Garage"),
  site("berlin", "Berlin"),
  site("aachen"),
  site("berlin/garage/level-2", "Level 2", { feeder: "north" }),
  site("berlin/garage/level-10", "Level 10"),
];

function lines(nodes: readonly SiteNode[], depth = 0): string[] {
  return nodes.flatMap((node) => [`${"-".repeat(depth)}${node.site.siteId}`, ...lines(node.parts, depth + 1)]);
}

describe("the tree of sites", () => {
  it("has each part below its site, by name and number", () => {
    expect(lines(treeOf(SITES))).toEqual(["aachen", "berlin", "-garage", "--level-2", "--level-10"]);
  });

  it("has a site at the top whose parent is not visible", () => {
    expect(lines(treeOf(SITES.slice(3)))).toEqual(["level-2", "level-10"]);
  });

  it("keeps the sites above a find and nothing beside it", () => {
    expect(lines(found(treeOf(SITES), "FEEDER:north"))).toEqual(["berlin", "-garage", "--level-2"]);
    expect(found(treeOf(SITES), "none")).toEqual([]);
  });

  it("can expand the sites that have parts", () => {
    expect(branches(treeOf(SITES))).toEqual(["berlin", "garage"]);
  });

  it("moves a site into none of its parts, nor where it is", () => {
    const [garage] = SITES;
    expect(garage && possibleParents(SITES, garage).map(({ siteId }) => siteId)).toEqual(["aachen"]);
  });

  it("says the way down to a site", () => {
    const names = new Map(SITES.map((one) => [one.siteId, one.displayName]));
    expect(SITES.slice(3, 4).map((one) => pathText(one, names))).toEqual(["Berlin / Garage / Level 2"]);
  });
});
