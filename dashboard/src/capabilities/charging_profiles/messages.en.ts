export const en = {
  title: "Charging profiles",
  id: "Profile",
  evse: "EVSE",
  purpose: "Purpose",
  level: "Stack level",
  state: "State",
  changed: "Changed",
  set: "Set a profile",
  clear: "Clear profiles",
  composite: "Composite schedule",
  empty: "No charging profiles",
  emptyText: "A charging profile limits the current or power of a station, of an EVSE or of a session over time.",
};
