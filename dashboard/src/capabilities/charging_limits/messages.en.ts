export const en = {
  title: "Limits from elsewhere",
  evse: "EVSE",
  source: "Source",
  state: "State",
  limits: "Limits",
  critical: "Critical for the grid",
  yes: "Yes",
  received: "Reported",
  empty: "No limits from elsewhere",
  emptyText: "A station reports here what an energy management system on site or the operator of the grid limits.",
};
