import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "reservations",
  routes: [],
  stationTabs: [
    {
      id: "reservations",
      label: { en: "Reservations", de: "Reservierungen" },
      order: 30,
      needs: [Permission.RESERVATIONS_READ],
      load: () => import("./ReservationsTab"),
    },
  ],
});
