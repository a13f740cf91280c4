export const en = {
  title: "Drifted settings",
  station: "Station",
  component: "Component",
  variable: "Variable",
  wished: "Was set to",
  value: "Has now",
  since: "Seen",
  search: "Search settings",
  repair: "Set again by a rollout",
  empty: "No setting has drifted",
  emptyText:
    "A variable that an operator or a rollout set, and that a station reports with another value later, is listed here.",
};
