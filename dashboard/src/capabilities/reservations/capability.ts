import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.RESERVATIONS_READ];

export const capability = defineCapability({
  name: "reservations",
  routes: [{ path: "/reservations", load: () => import("./ReservationsPage"), needs }],
  navigation: [
    {
      path: "/reservations",
      label: { en: "Reservations", de: "Reservierungen" },
      icon: "calendar",
      order: 60,
      needs,
      group: "fleet",
    },
  ],
  stationTabs: [
    {
      id: "reservations",
      label: { en: "Reservations", de: "Reservierungen" },
      order: 30,
      needs,
      load: () => import("./ReservationsTab"),
    },
  ],
});
