export const en = {
  change: "Change the station",
  rotate: "Give it another credential",
  rotateText: "With hand-over, the new one is sent over the station's present connection.",
  reconnect: "Close its connection",
  remove: "Delete the station",
  removeTitle: (station: string) => `Delete ${station}?`,
  removeText: "Its sessions stay recorded. If it connects again, it is a new station.",
};
