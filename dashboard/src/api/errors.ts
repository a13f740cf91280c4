// Errors of calls, read once: the reason for programs, the field, and the sentence for people.
import { Code, ConnectError } from "@connectrpc/connect";

import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "../stubs/google/rpc/error_details_pb";

export interface CallError {
  code: Code;
  /** As in google.rpc.ErrorInfo: `STATION_OFFLINE`. Empty where the call failed on its way. */
  reason: string;
  /** The server's own sentence: fault, place and remedy. */
  message: string;
  metadata: Record<string, string>;
  /** The wrong field of the request, by its path in the contract: `evse.evse_id`. */
  field?: string;
  retryAfterS?: number;
  /** Identifies the call in the logs of the mesh. */
  requestId?: string;
}

export function readError(error: unknown): CallError {
  const failure = ConnectError.from(error);
  const info = failure.findDetails(ErrorInfoSchema)[0];
  const metadata = { ...info?.metadata };
  const field = failure.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field ?? metadata.field;
  const retryAfter = failure.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds ?? metadata.retry_after_s;
  const requestId =
    failure.findDetails(RequestInfoSchema)[0]?.requestId ?? failure.metadata.get("x-request-id") ?? undefined;
  return {
    code: failure.code,
    reason: info?.reason ?? "",
    message: failure.rawMessage,
    metadata,
    ...(field ? { field } : {}),
    ...(retryAfter !== undefined ? { retryAfterS: Number(retryAfter) } : {}),
    ...(requestId ? { requestId } : {}),
  };
}

/** Whether the same call may succeed later by itself. */
export function isTransient(error: unknown): boolean {
  const { code } = readError(error);
  return code === Code.Unavailable || code === Code.DeadlineExceeded || code === Code.Unknown;
}

export function isNotFound(error: unknown): boolean {
  return readError(error).code === Code.NotFound;
}
