export const en = {
  actions: "Actions",
  actionsOf: (name: string) => `Actions on ${name}`,
  details: "Details",
  gone: "It is not in this list, or no more. Other filters may show it.",
  station: "Station",
  searchStation: "Search by station ID",
  done: "Done.",
  cannotUndo: "This cannot be undone.",
  stop: "Stop charging",
  stopText: (station: string) => `A command is sent to ${station}. The session ends once the station says so.`,
};
