// Paths of the pages that several capabilities link to.

/** The page of a station, or one tab of it. */
export function stationHref(stationId: string, tab?: string): string {
  const path = `/stations/${encodeURIComponent(stationId)}`;
  return tab === undefined ? path : `${path}?tab=${tab}`;
}

/** The page of a session; a name that its station has used again needs its generation too. */
export function sessionHref(session: { stationId: string; transactionId: string; generation?: number }): string {
  const { stationId, transactionId, generation = 1 } = session;
  const path = `${stationHref(stationId)}/sessions/${encodeURIComponent(transactionId)}`;
  return generation > 1 ? `${path}?generation=${String(generation)}` : path;
}
