// Sends a call and reads its answer as it comes: some never end.
import { freshAccessToken } from "../api/session";
import type { Call } from "./document";
import { address, headers, type Access, type Filled } from "./request";

export interface Answer {
  status: number;
  statusText: string;
  ms: number;
  mediaType: string;
  text: string;
  isOpen: boolean;
}

// Of a stream, this much is shown: its end.
const MOST_CHARACTERS = 200_000;

async function credential(call: Call, access: Access): Promise<Record<string, string>> {
  if (call.security.length === 0) return {};
  const isKey = access.kind === "apiKey";
  const secret = access.kind === "session" ? await freshAccessToken() : access.secret;
  if (!secret) return {};
  return isKey ? { "x-api-key": secret } : { authorization: `Bearer ${secret}` };
}

function shown(text: string, mediaType: string): string {
  if (!mediaType.startsWith("application/json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Calls `show` with each state of the answer. Rejects where none comes. */
export async function send(
  call: Call,
  filled: Filled,
  access: Access,
  signal: AbortSignal,
  show: (answer: Answer) => void,
): Promise<void> {
  const started = performance.now();
  const response = await fetch(address(call, filled), {
    method: call.verb,
    headers: headers(call, filled, await credential(call, access)),
    signal,
    ...(call.requestBody ? { body: filled.body.trim() || "{}" } : {}),
  });
  const mediaType = response.headers.get("content-type") ?? "";
  const { status, statusText } = response;
  let text = "";
  const state = (isOpen: boolean): Answer => ({
    status,
    statusText,
    ms: Math.round(performance.now() - started),
    mediaType,
    text: isOpen ? text : shown(text, mediaType),
    isOpen,
  });
  show(state(true));
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      text = (text + part.value).slice(-MOST_CHARACTERS);
      show(state(true));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  show(state(false));
}
