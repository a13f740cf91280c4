export { durationS, makeFormats, toMs, type Formats, type Instant } from "./formats";
export { connectorsOf, connectorState, stationState, type ConnectorPlace } from "./states";
export { Since, Time, useFormats, useNow } from "./Time";
