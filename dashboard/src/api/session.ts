// The tokens of the person who signed in. They are in localStorage, so that all tabs share one sign-in and a reload
// keeps it; the content security policy lets no foreign script read it.
import { createClient, Code, ConnectError } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { useSyncExternalStore } from "react";

import { UserService } from "../stubs/csms/auth/v1/user_service_pb";
import { withTabLock } from "./tab_lock";
import { isDue, lifeOf, type TokenLife } from "./token_life";

export interface Session extends TokenLife {
  accessToken: string;
  refreshToken: string;
  username: string;
  tenantId: string;
}

export interface Credentials {
  username: string;
  password: string;
  newPassword?: string;
  tenantId?: string;
}

const KEY = "csms.session";

const listeners = new Set<() => void>();
let text: string | null | undefined;
let parsed: Session | undefined;

// Sign-in and refresh carry no access token, so they have a transport without the interceptor that adds one.
const bareTransport = createGrpcWebTransport({ baseUrl: globalThis.location.origin, defaultTimeoutMs: 15_000 });
const users = createClient(UserService, bareTransport);

/** The present session, or undefined where nobody is signed in. */
export function currentSession(): Session | undefined {
  const stored = localStorage.getItem(KEY);
  if (stored !== text) {
    text = stored;
    parsed = parse(stored);
  }
  return parsed;
}

function parse(stored: string | null): Session | undefined {
  try {
    return stored ? (JSON.parse(stored) as Session) : undefined;
  } catch {
    return undefined;
  }
}

function store(session: Session | undefined): void {
  if (session) localStorage.setItem(KEY, JSON.stringify(session));
  else localStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

/** Calls the listener at each sign-in, sign-out and refresh, those of other tabs too. */
export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

globalThis.addEventListener("storage", (event) => {
  if (event.key === KEY || event.key === null) for (const listener of listeners) listener();
});

export function useSession(): Session | undefined {
  return useSyncExternalStore(onSessionChange, currentSession);
}

export async function signIn(credentials: Credentials): Promise<void> {
  const answer = await users.login(credentials);
  store({
    accessToken: answer.accessToken,
    refreshToken: answer.refreshToken,
    ...lifeOf(answer.expiresInS, Date.now()),
    username: answer.user?.username ?? credentials.username,
    tenantId: answer.user?.tenantId ?? "",
  });
}

/** Ends the session here at once, and at the server where it can be reached. */
export async function signOut(): Promise<void> {
  const session = currentSession();
  store(undefined);
  if (!session) return;
  const headers = { authorization: `Bearer ${session.accessToken}` };
  await users.logout({ refreshToken: session.refreshToken }, { headers }).catch(() => undefined);
}

async function refresh(stale: Session): Promise<Session | undefined> {
  const present = currentSession();
  // Another tab was faster.
  if (!present || present.accessToken !== stale.accessToken) return present;
  try {
    const answer = await users.refresh({ refreshToken: present.refreshToken });
    const next: Session = {
      ...present,
      accessToken: answer.accessToken,
      refreshToken: answer.refreshToken,
      ...lifeOf(answer.expiresInS, Date.now()),
    };
    store(next);
    return next;
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Unauthenticated) throw error;
    const latest = currentSession();
    if (latest?.accessToken !== stale.accessToken) return latest;
    store(undefined);
    return undefined;
  }
}

let refreshing: Promise<Session | undefined> | undefined;

/** Exchanges the refresh token, in one tab only; undefined where the session has ended. */
export function refreshSession(stale: Session): Promise<Session | undefined> {
  refreshing ??= withTabLock("csms.refresh", () => refresh(stale)).finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

/** An access token that is good for some time yet; undefined where nobody is signed in. */
export async function freshAccessToken(): Promise<string | undefined> {
  const session = currentSession();
  if (!session) return undefined;
  if (!isDue(session, Date.now())) return session.accessToken;
  return (await refreshSession(session))?.accessToken;
}
