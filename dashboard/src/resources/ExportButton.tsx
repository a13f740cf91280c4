import { useState } from "react";

import { readError } from "../api/errors";
import type { HttpBody } from "../stubs/google/api/httpbody_pb";
import { Button, toast } from "../ui";
import { saveStream } from "./download";

/** Saves a streamed export as a file. */
export function ExportButton(props: { label: string; name: string; open: () => AsyncIterable<HttpBody> }) {
  const [isPending, setPending] = useState(false);
  const run = async () => {
    setPending(true);
    try {
      await saveStream(props.open(), props.name);
    } catch (error) {
      toast(readError(error).message, "bad");
    } finally {
      setPending(false);
    }
  };
  return (
    <Button icon="download" isPending={isPending} onPress={() => void run()}>
      {props.label}
    </Button>
  );
}
