// Sessions as CSV: all that the filters find, page after page, newest first.
import { timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";

import { clientOf } from "../../api/transport";
import { csvText, rounded, type CsvColumn } from "../../formats/csv";
import { isoInZone } from "../../formats/zones";
import { StoppedReason } from "../../stubs/csms/transaction/v1/transaction_event_pb";
import {
  EnergyBasis,
  TransactionEndOrigin,
  TransactionService,
  TransactionState,
  type Transaction,
} from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { durationS } from "./words";

const PAGE = 1000;
/** Beyond this, a spreadsheet refuses the file and the browser's memory is at stake. */
export const MOST_EXPORTED = 100_000;

function word(names: Readonly<Record<number, string>>, value: number): string {
  return value === 0 ? "" : (names[value] ?? "");
}

function kWh(wh: number | undefined): number | undefined {
  return wh === undefined ? undefined : rounded(wh / 1000, 6);
}

/** Words and headers are those of the contract in every language, so that a program finds them. */
export function exportColumns(zone: string): CsvColumn<Transaction>[] {
  const time = (value: Timestamp | undefined) => value && isoInZone(timestampMs(value), zone);
  return [
    { header: "Station", value: (session) => session.stationId },
    { header: "Transaction", value: (session) => session.transactionId },
    { header: "Generation", value: (session) => session.generation },
    { header: "State", value: (session) => word(TransactionState, session.state) },
    { header: "EVSE", value: (session) => session.evse?.evseId },
    { header: "Connector", value: (session) => session.evse?.connectorId },
    { header: "Token", value: (session) => session.idToken?.idToken },
    { header: "Token type", value: (session) => session.idToken?.type },
    { header: `Begin (${zone})`, value: (session) => time(session.startTime) },
    { header: `End (${zone})`, value: (session) => time(session.endTime) },
    { header: "Duration (s)", value: (session) => durationS(session) },
    { header: "Energy (kWh)", value: (session) => kWh(session.energyWh) },
    { header: "Register at begin, reported (kWh)", value: (session) => kWh(session.meterStartWh) },
    { header: "Register at end, reported (kWh)", value: (session) => kWh(session.meterStopWh) },
    { header: "Register at begin, believed (kWh)", value: (session) => kWh(session.believedMeterStartWh) },
    { header: "Register at end, believed (kWh)", value: (session) => kWh(session.believedMeterStopWh) },
    { header: "Energy basis", value: (session) => word(EnergyBasis, session.energyBasis) },
    { header: "Stopped reason", value: (session) => word(StoppedReason, session.stoppedReason) },
    { header: "End origin", value: (session) => word(TransactionEndOrigin, session.endOrigin) },
    { header: "Remote start", value: (session) => session.remoteStartId },
    { header: "Hanging", value: (session) => String(session.hanging) },
    { header: "Flags", value: (session) => session.flags.join(" ") },
  ];
}

export interface Export {
  text: string;
  count: number;
  /** There are more than were exported. */
  isCut: boolean;
}

export async function exportSessions(
  filter: string,
  zone: string,
  onProgress: (count: number) => void,
): Promise<Export> {
  const client = clientOf(TransactionService);
  const sessions: Transaction[] = [];
  let pageToken = "";
  do {
    const answer = await client.listTransactions({ pageSize: PAGE, pageToken, filter });
    sessions.push(...answer.transactions);
    pageToken = answer.nextPageToken;
    onProgress(sessions.length);
  } while (pageToken && sessions.length < MOST_EXPORTED);
  return { text: csvText(exportColumns(zone), sessions), count: sessions.length, isCut: pageToken !== "" };
}
