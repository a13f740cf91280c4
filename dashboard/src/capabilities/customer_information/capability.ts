import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "customer_information",
  routes: [],
  stationTabs: [
    {
      id: "customers",
      label: { en: "Drivers' data", de: "Fahrerdaten" },
      order: 75,
      needs: [Permission.CUSTOMER_INFORMATION_READ],
      load: () => import("./CustomersTab"),
    },
  ],
});
