export const en = {
  change: "Change the station",
  changeText:
    "This changes what is recorded here; nothing is sent to the station. One that is no longer accepted is disconnected. Another security profile counts from its next connection on. At another site, its sessions and events are those of that site from then on.",
  rotate: "Give it another credential",
  rotateText: "With hand-over, the new one is sent over the station's present connection.",
  reconnect: "Close its connection",
  remove: "Delete the station",
  removeTitle: (station: string) => `Delete ${station}?`,
  removeText: "Its sessions stay recorded. If it connects again, it is a new station.",
};
