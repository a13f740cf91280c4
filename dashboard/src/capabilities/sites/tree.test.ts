import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { SiteSchema } from "../../stubs/csms/station/v1/site_pb";
import { depthOf, pathText } from "./tree";

const berlin = create(SiteSchema, { siteId: "berlin", displayName: "Berlin", path: ["berlin"] });
const garage = create(SiteSchema, { siteId: "garage", displayName: "Garage", path: ["berlin", "garage"] });
const aachen = create(SiteSchema, { siteId: "aachen", path: ["aachen"] });

describe("the tree of sites", () => {
  it("has a part behind the site above it and before the next site", () => {
    const names = new Map([berlin, garage].map((site) => [site.siteId, site.displayName]));
    const sorted = [garage, berlin, aachen].sort((a, b) => (pathText(a, names) < pathText(b, names) ? -1 : 1));
    expect(sorted.map((site) => site.siteId)).toEqual(["berlin", "garage", "aachen"]);
  });

  it("counts the sites above", () => {
    expect([depthOf(berlin), depthOf(garage)]).toEqual([0, 1]);
  });
});
