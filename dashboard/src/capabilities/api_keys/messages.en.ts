export const en = {
  title: "API keys",
  name: "Name",
  prefix: "Begins with",
  creator: "Made by",
  added: "Added",
  expires: "Valid until",
  used: "Last use",
  create: "New key",
  revoke: "Revoke key",
  revokeText: "Programs that use it are refused within five seconds.",
  empty: "No API keys yet",
  emptyText: "A program calls with a key of its own, which has its own permissions and an end. The key is shown once.",
};
