export const en = {
  title: "Reservations",
  reservation: "Number",
  evse: "EVSE",
  token: "Token",
  state: "State",
  until: "Until",
  create: "Reserve",
  cancel: "Cancel reservation",
  look: "Look up",
  empty: "No reservations",
  emptyText: "A reservation keeps a connector free for one token until a time.",
  any: "any",
};
