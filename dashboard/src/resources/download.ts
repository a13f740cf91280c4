// A streamed body as a file that the browser saves.
import { saveBlob } from "../formats/files";
import type { HttpBody } from "../stubs/google/api/httpbody_pb";

/** Collects the parts of a body and has the browser save them under a name. */
export async function saveStream(parts: AsyncIterable<HttpBody>, name: string): Promise<void> {
  const chunks: BlobPart[] = [];
  let type = "application/octet-stream";
  for await (const part of parts) {
    if (part.contentType) type = part.contentType;
    chunks.push(part.data as Uint8Array<ArrayBuffer>);
  }
  saveBlob(new Blob(chunks, { type }), name);
}
