import type { Fault } from "./values";

const faults: Record<Fault, string> = {
  required: "This is needed.",
  integer: "Enter a whole number.",
  number: "Enter a number.",
  json: "This is no valid JSON of this form.",
  time: "Enter a date and a time.",
  duration: "Enter a number of seconds.",
  base64: "Enter bytes in Base64.",
};

export const en = {
  faults,
  unspecified: "Not given",
  yes: "Yes",
  no: "No",
  add: (label: string) => `Add ${label}`,
  remove: (label: string) => `Remove ${label}`,
  advanced: "Advanced",
  key: "Key",
  value: "Value",
  chooseOne: "One of",
  send: "Send",
  answer: "Answer",
  emptyAnswer: "Done. The answer has no content.",
  asCommand: "As a command line",
  tokenHint: "TOKEN is your access token.",
  asJson: "As JSON",
  nothingNeeded: "This needs no input.",
  failed: "This was refused",
  help: (label: string) => `Help on ${label}`,
};
