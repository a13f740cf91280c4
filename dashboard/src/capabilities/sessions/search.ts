// Sessions for the command palette: by a part of their station, name or tag.
import { timestampMs } from "@bufbuild/protobuf/wkt";

import { clientOf } from "../../api/transport";
import { makeFormats } from "../../formats";
import { currentLanguage, localeOf } from "../../i18n/catalogue";
import { sessionHref } from "../../resources/hrefs";
import type { PaletteEntry } from "../../shell/capability";
import { TransactionService } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { quoted } from "../../tables";

const MOST = 6;

export async function search(text: string, signal: AbortSignal): Promise<PaletteEntry[]> {
  const request = { pageSize: MOST, filter: quoted(text) };
  const answer = await clientOf(TransactionService).listTransactions(request, { signal });
  const formats = makeFormats(localeOf(currentLanguage()));
  return answer.transactions.map((session) => ({
    id: `session.${session.stationId}.${session.transactionId}.${String(session.generation)}`,
    label: `${session.stationId} · ${session.transactionId}`,
    hint: [
      session.idToken?.idToken,
      session.startTime && formats.dateTime(timestampMs(session.startTime)),
      formats.kWh(session.energyWh),
    ]
      .filter(Boolean)
      .join(" · "),
    icon: "session",
    href: sessionHref(session),
  }));
}
