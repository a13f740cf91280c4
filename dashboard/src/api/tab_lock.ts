// Mutual exclusion among the tabs of a browser. Web Locks exist on https and localhost only, so plain http on another
// name uses an entry in localStorage that expires.

const LEASE_MS = 10_000;
const SETTLE_MS = 40;

interface Lease {
  owner: string;
  untilMs: number;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The owner of a lease that still holds, or undefined. */
export function holderOf(text: string | null, nowMs: number): string | undefined {
  if (!text) return undefined;
  try {
    const lease = JSON.parse(text) as Partial<Lease>;
    return typeof lease.owner === "string" && typeof lease.untilMs === "number" && lease.untilMs > nowMs
      ? lease.owner
      : undefined;
  } catch {
    return undefined;
  }
}

async function acquire(key: string, owner: string): Promise<void> {
  for (;;) {
    if (holderOf(localStorage.getItem(key), Date.now()) === undefined) {
      localStorage.setItem(key, JSON.stringify({ owner, untilMs: Date.now() + LEASE_MS } satisfies Lease));
      // Two tabs may both have found the entry free: the one that wrote last owns it.
      await wait(SETTLE_MS);
      if (holderOf(localStorage.getItem(key), Date.now()) === owner) return;
    }
    await wait(SETTLE_MS + Math.random() * SETTLE_MS);
  }
}

/** Runs `work` while no other tab runs work under the same name. */
export async function withTabLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  // Undefined on insecure origins, whatever the type says.
  const locks = navigator.locks as LockManager | undefined;
  if (locks) return await locks.request(name, work);
  const key = `lock:${name}`;
  const owner = Math.random().toString(36).slice(2);
  await acquire(key, owner);
  try {
    return await work();
  } finally {
    if (holderOf(localStorage.getItem(key), Date.now()) === owner) localStorage.removeItem(key);
  }
}
