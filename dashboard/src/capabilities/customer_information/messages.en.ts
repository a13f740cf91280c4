export const en = {
  title: "What the station stores about drivers",
  state: "State",
  report: "Report",
  driver: "Driver",
  data: "Data",
  asked: "Requested",
  request: "Request or clear",
  empty: "Nothing was requested",
  emptyText: "An OCPP 2.x station reports or clears what it stores about a driver.",
};
