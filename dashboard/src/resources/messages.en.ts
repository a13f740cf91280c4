export const en = {
  actions: "Actions",
  actionsOf: (name: string) => `Actions on ${name}`,
  details: "Details",
  done: "Done.",
  cannotUndo: "This cannot be undone.",
};
