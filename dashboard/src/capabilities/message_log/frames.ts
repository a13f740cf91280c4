// Frames of the log as exchanges: a request and its answer, with the time between them. Pure.
import { timestampMs } from "@bufbuild/protobuf/wkt";

import { MessageDirection, type Message } from "../../stubs/csms/station/v1/station_pb";

// Message types of OCPP-J (1.6J, 4.1.3; 2.1 has CALLRESULTERROR and SEND).
export const CALL = 2;
const CALL_RESULT = 3;
export const CALL_ERROR = 4;
const CALL_RESULT_ERROR = 5;
const UNREADABLE = 0;
/** The message types of frames that are errors: refusals, and frames that could not be read. */
export const ERROR_TYPES: readonly number[] = [CALL_ERROR, CALL_RESULT_ERROR, UNREADABLE];
const ANSWERS: ReadonlySet<number> = new Set([CALL_RESULT, CALL_ERROR, CALL_RESULT_ERROR]);

export interface Exchange {
  key: string;
  /** The frame that began it; absent where only the answer is in the list. */
  request?: Message;
  answer?: Message;
  action: string;
  timeMs: number;
  /** From the request to its answer. */
  tookMs?: number;
  isError: boolean;
}

export function frameKey(frame: Message): string {
  return `${frame.epoch.toString()}.${frame.ordinal.toString()}`;
}

export function isFromStation(frame: Message): boolean {
  return frame.direction === MessageDirection.RECEIVED;
}

export function frameMs(frame: Message): number {
  return frame.messageTime ? timestampMs(frame.messageTime) : 0;
}

/** Frames of several lists, each once, the newest first. */
export function merged(...lists: readonly (readonly Message[])[]): Message[] {
  const known = new Map<string, Message>();
  for (const frame of lists.flat()) known.set(frameKey(frame), frame);
  return [...known.values()].sort(
    (a, b) => frameMs(b) - frameMs(a) || Number(b.epoch - a.epoch) || Number(b.ordinal - a.ordinal),
  );
}

function isError(frame: Message | undefined): boolean {
  return frame !== undefined && ERROR_TYPES.includes(frame.messageType);
}

/** The lane of the request that a frame belongs to: an answer goes the other way. */
function pairKey(frame: Message): string {
  const asksStation = isFromStation(frame) === ANSWERS.has(frame.messageType);
  return `${frame.epoch.toString()} ${String(asksStation)} ${frame.messageId}`;
}

function exchangeOf(request: Message | undefined, answer: Message | undefined): Exchange | undefined {
  const first = request ?? answer;
  if (first === undefined) return undefined;
  return {
    key: frameKey(first),
    action: first.action || answer?.action || "",
    timeMs: frameMs(first),
    isError: isError(request) || isError(answer),
    ...(request ? { request } : {}),
    ...(answer ? { answer } : {}),
    ...(request && answer ? { tookMs: frameMs(answer) - frameMs(request) } : {}),
  };
}

/** The exchanges of frames, in the order of the frames that began them. `frames` are the newest first. */
export function exchangesOf(frames: readonly Message[]): Exchange[] {
  const waiting = new Map<string, Message>();
  const found: Exchange[] = [];
  for (const frame of frames) {
    if (ANSWERS.has(frame.messageType) && frame.messageId) {
      const key = pairKey(frame);
      const other = waiting.get(key);
      // A second answer to one request stands by itself.
      const alone = other && exchangeOf(undefined, other);
      if (alone) found.push(alone);
      waiting.set(key, frame);
      continue;
    }
    const key = pairKey(frame);
    const exchange = exchangeOf(frame, frame.messageType === CALL ? waiting.get(key) : undefined);
    if (exchange) found.push(exchange);
    if (frame.messageType === CALL) waiting.delete(key);
  }
  for (const answer of waiting.values()) {
    const alone = exchangeOf(undefined, answer);
    if (alone) found.push(alone);
  }
  return found.sort((a, b) => b.timeMs - a.timeMs);
}
