export const en = {
  title: "Local list",
  state: "State of the list",
  look: "Read the state",
  token: "Token",
  type: "Type",
  status: "Status",
  sync: "Bring in line",
  empty: "The local list is empty",
  emptyText: "The station decides by its local list while it is offline. Bring it in line with the tokens of the mesh.",
};
