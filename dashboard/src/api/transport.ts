// The transport of all calls: gRPC-web on the page's own origin, with the access token, which is refreshed unseen.
import { Code, ConnectError, createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { DescService } from "@bufbuild/protobuf";

import { currentSession, freshAccessToken, refreshSession } from "./session";

/** Longest a call may take; commands to stations say how long theirs may. */
export const DEADLINE_MS = 30_000;

const authorize: Interceptor = (next) => async (request) => {
  const token = await freshAccessToken();
  if (token) request.header.set("authorization", `Bearer ${token}`);
  try {
    return await next(request);
  } catch (error) {
    const session = currentSession();
    const refused = ConnectError.from(error).code === Code.Unauthenticated;
    if (!refused || request.stream || !session || session.accessToken !== token) throw error;
    // The key may have been replaced before the token expired: one try with the next token.
    const fresh = await refreshSession(session);
    if (!fresh) throw error;
    request.header.set("authorization", `Bearer ${fresh.accessToken}`);
    return await next(request);
  }
};

export const transport = createGrpcWebTransport({
  baseUrl: globalThis.location.origin,
  defaultTimeoutMs: DEADLINE_MS,
  interceptors: [authorize],
});

const clients = new Map<string, unknown>();

/** The client of a service, for calls outside of queries: `clientOf(StationService).deleteStation({…})`. */
export function clientOf<S extends DescService>(service: S): Client<S> {
  const known = clients.get(service.typeName) as Client<S> | undefined;
  if (known) return known;
  const client = createClient(service, transport);
  clients.set(service.typeName, client);
  return client;
}
