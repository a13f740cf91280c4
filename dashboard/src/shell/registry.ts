import type { Capability, CapabilityRoute, NavigationItem, StationTab } from "./capability";
import type { Permission } from "../stubs/csms/options/v1/options_pb";
import type { Permissions } from "../api/permissions";

const modules = import.meta.glob<{ capability: Capability }>("../capabilities/*/capability.ts", { eager: true });

export const capabilities: readonly Capability[] = Object.values(modules).map((module) => module.capability);

export const publicRoutes: readonly CapabilityRoute[] = capabilities.flatMap((one) =>
  one.routes.filter((route) => route.isPublic),
);

type Has = Pick<Permissions, "has">;

function isOffered(item: { needs?: readonly Permission[] }, permissions: Has): boolean {
  return (item.needs ?? []).every((permission) => permissions.has(permission));
}

export function offered<T extends { needs?: readonly Permission[] }>(items: readonly T[], permissions: Has): T[] {
  return items.filter((item) => isOffered(item, permissions));
}

/** The tabs that capabilities have on the page of a station, in their order. */
export function stationTabsFor(permissions: Has): StationTab[] {
  const tabs = capabilities.flatMap((capability) => capability.stationTabs ?? []);
  return offered(tabs, permissions).sort((a, b) => a.order - b.order);
}

/** The entries of the rail that the caller may use, in their order. */
export function navigationFor(permissions: Has): NavigationItem[] {
  const items = capabilities.flatMap((capability) => capability.navigation ?? []);
  return offered(items, permissions).sort((a, b) => a.order - b.order);
}
