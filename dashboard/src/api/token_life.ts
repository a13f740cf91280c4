// The life of an access token, by this browser's clock.

export interface TokenLife {
  /** Time at which the access token expires. */
  expiresAtMs: number;
  /** How long it is good for; a session that an earlier release stored lacks it. */
  lifeMs?: number;
}

const EARLY_MS = 60_000;

export function lifeOf(expiresInS: number, nowMs: number): Required<TokenLife> {
  const lifeMs = expiresInS * 1000;
  return { lifeMs, expiresAtMs: nowMs + lifeMs };
}

/** Whether it is to be refreshed before a call: in its last minute, or its last half where that is shorter. */
export function isDue(life: TokenLife, nowMs: number): boolean {
  return life.expiresAtMs - nowMs <= Math.min(EARLY_MS, (life.lifeMs ?? Infinity) / 2);
}
