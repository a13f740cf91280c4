// The interface of a capability: one folder under capabilities/ whose capability.ts exports `capability`.
import type { ComponentType } from "react";

import type { Permission } from "../stubs/csms/options/v1/options_pb";
import type { Language } from "../i18n/catalogue";
import type { IconName } from "../ui";

/** A text of the frame, in every language: it is there before the capability's own pages are loaded. */
export type FrameText = Readonly<Record<Language, string>>;

export interface CapabilityRoute {
  /** A pattern of wouter: `/stations/:stationId`. Values in it are percent-encoded by the sender. */
  path: string;
  /** The page, as a module with a default export; loaded when it is first shown. */
  load: () => Promise<{ default: ComponentType<{ params: Record<string, string | undefined> }> }>;
  /** The permissions that the page cannot do without; all of them are needed. */
  needs?: readonly Permission[];
  /** Shown to those who have not signed in, without the frame. */
  isPublic?: boolean;
}

export interface NavigationItem {
  path: string;
  label: FrameText;
  icon: IconName;
  /** Place in the rail; the brief's order: 10 needs a hand, 20 stations, 30 sessions, … 90 administration. */
  order: number;
  needs?: readonly Permission[];
  /** Letter after `g`: `s` for stations. */
  shortcut?: string;
  /** Further pages whose entry this is, as patterns of their paths; a pattern goes before the paths of other entries. */
  covers?: readonly RegExp[];
  /** The group of the rail that it is in, under a heading of its own: lists of the whole fleet, or administration. */
  group?: "fleet" | "administration";
}

export interface PaletteEntry {
  id: string;
  label: string;
  /** The id and other names of the thing: typed whole, they find it first. */
  names?: readonly string[];
  /** Said beside it: its kind, or where it leads. */
  hint?: string;
  icon?: IconName;
  href?: string;
  run?: () => void;
}

export interface PaletteCommand {
  id: string;
  label: FrameText;
  icon?: IconName;
  needs?: readonly Permission[];
  href?: string;
}

/** A tab on the page of a station; its content is a page's part, with the station's id. */
export interface StationTab {
  id: string;
  label: FrameText;
  /** Place among the tabs: 10 sessions, 20 messages, 30 variables, 40 profiles, 50 firmware, 60 certificates, 70 history. */
  order: number;
  needs?: readonly Permission[];
  load: () => Promise<{ default: ComponentType<{ stationId: string }> }>;
}

export interface Capability {
  /** Its folder's name. */
  name: string;
  routes: readonly CapabilityRoute[];
  navigation?: readonly NavigationItem[];
  /** Commands of the palette that are always there. */
  commands?: readonly PaletteCommand[];
  /** Tabs on the page of a station. */
  stationTabs?: readonly StationTab[];
  /** Looks for things by a text: stations, sessions, tags. Loaded when the palette opens first. */
  search?: {
    needs?: readonly Permission[];
    load: () => Promise<{ search: (text: string, signal: AbortSignal) => Promise<PaletteEntry[]> }>;
  };
}

/** Says what the type is, and nothing else. */
export function defineCapability(capability: Capability): Capability {
  return capability;
}
