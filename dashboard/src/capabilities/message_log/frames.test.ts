import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";

import { MessageDirection, MessageSchema, type Message } from "../../stubs/csms/station/v1/station_pb";
import { exchangesOf, merged } from "./frames";

const { RECEIVED, SENT } = MessageDirection;

function frame(ordinal: number, direction: MessageDirection, messageType: number, messageId: string): Message {
  return create(MessageSchema, {
    ordinal: BigInt(ordinal),
    epoch: 1n,
    direction,
    messageType,
    messageId,
    action: "Heartbeat",
    messageTime: timestampFromMs(1_000_000 + ordinal * 10),
  });
}

/** The exchanges of frames that are given oldest first: ordinals of request and answer, and the time between. */
function pairs(...frames: Message[]) {
  return exchangesOf([...frames].reverse()).map((one) => [one.request?.ordinal, one.answer?.ordinal, one.tookMs]);
}

describe("exchanges", () => {
  it("pair each request with its answer, the newest first", () => {
    const found = pairs(
      frame(1, RECEIVED, 2, "a"),
      frame(2, RECEIVED, 2, "b"),
      frame(3, SENT, 3, "b"),
      frame(4, SENT, 3, "a"),
    );
    expect(found).toEqual([
      [2n, 3n, 10],
      [1n, 4n, 30],
    ]);
  });

  it("keep both sides apart, where they use the same message id", () => {
    const found = pairs(
      frame(1, RECEIVED, 2, "1"),
      frame(2, SENT, 2, "1"),
      frame(3, SENT, 3, "1"),
      frame(4, RECEIVED, 3, "1"),
    );
    expect(found).toEqual([
      [2n, 4n, 20],
      [1n, 3n, 20],
    ]);
  });

  it("mark errors, and show a frame without its other half by itself", () => {
    const found = exchangesOf([frame(5, RECEIVED, 4, "c"), frame(4, SENT, 2, "c"), frame(3, SENT, 3, "gone")]);
    expect(found.map((one) => [one.isError, one.request?.ordinal, one.answer?.ordinal])).toEqual([
      [true, 4n, 5n],
      [false, undefined, 3n],
    ]);
    expect(exchangesOf([frame(1, RECEIVED, 0, "")])[0]?.isError).toBe(true);
    expect(pairs(frame(1, RECEIVED, 2, "x"))).toEqual([[1n, undefined, undefined]]);
  });

  it("keep two answers to one request, and the later use of its id", () => {
    const found = pairs(
      frame(1, RECEIVED, 2, "a"),
      frame(2, SENT, 3, "a"),
      frame(3, SENT, 3, "a"),
      frame(4, RECEIVED, 2, "a"),
      frame(5, SENT, 3, "a"),
    );
    expect(found).toEqual([
      [4n, 5n, 10],
      [undefined, 3n, undefined],
      [1n, 2n, 10],
    ]);
  });
});

it("merges lists with each frame once, the newest first", () => {
  const [one, two, three] = [1, 2, 3].map((ordinal) => frame(ordinal, RECEIVED, 2, String(ordinal)));
  if (!one || !two || !three) throw new Error("three frames");
  expect(merged([two, one], [three, two]).map((each) => each.ordinal)).toEqual([3n, 2n, 1n]);
});
