// WatchEvents over gRPC-web, and the meaning of its failures.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { EventService } from "../stubs/csms/event/v1/event_service_pb";
import { ErrorInfoSchema, RetryInfoSchema } from "../stubs/google/rpc/error_details_pb";
import { toLiveEvent } from "./events";
import type { Failure, Watch } from "./stream";

export function makeWatch(baseUrl: string, token: () => string): Watch {
  const client = createClient(EventService, createGrpcWebTransport({ baseUrl }));
  return async (afterCursor, signal, on) => {
    const request = afterCursor === undefined ? {} : { afterCursor: BigInt(afterCursor) };
    const answers = client.watchEvents(request, {
      signal,
      headers: { authorization: `Bearer ${token()}` },
      onHeader: (headers) => {
        // A refusal comes as headers alone, with its status among them.
        if (!headers.has("grpc-status")) on.open();
      },
    });
    for await (const answer of answers) on.message(answer.event && toLiveEvent(answer.event));
  };
}

export function classify(error: unknown): Failure {
  const failure = ConnectError.from(error);
  const reason = failure.findDetails(ErrorInfoSchema)[0]?.reason;
  if (reason === "CURSOR_EXPIRED") return { kind: "cursor_expired" };
  if (reason === "GRANTS_CHANGED") return { kind: "grants_changed" };
  if (failure.code === Code.Unauthenticated) return { kind: "unauthenticated" };
  if (failure.code === Code.PermissionDenied) return { kind: "forbidden" };
  const delay = failure.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds;
  return delay === undefined ? { kind: "lost" } : { kind: "lost", retryAfterMs: Number(delay) * 1000 };
}
