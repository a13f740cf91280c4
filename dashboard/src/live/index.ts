export { dataText, matches, type LiveEvent, type LiveFilter } from "./events";
export { debounce, useLiveAnswer, useLiveEvents, useLiveInvalidation, useLiveState } from "./hooks";
export type { LiveState } from "./stream";
