import { fromJson } from "@bufbuild/protobuf";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { invalidate } from "../../api/queries";
import { readError } from "../../api/errors";
import { clientOf } from "../../api/transport";
import { CreateIdTokenRequestSchema, IdTokenService } from "../../stubs/csms/auth/v1/id_token_service_pb";
import { DataTable, type Column } from "../../tables";
import { Badge, Button, Dialog, TextArea, toast } from "../../ui";
import { readTokens, type TokenLine } from "./csv";
import { useText } from "./text";

const tokens = clientOf(IdTokenService);

interface Outcome extends TokenLine {
  /** Absent: not sent yet; empty: added. */
  error?: string;
}

/** Adds tokens one after the other; each line has its own outcome. */
async function addAll(lines: readonly Outcome[], onOutcome: (line: number, error: string) => void): Promise<void> {
  for (const { line, token, fault } of lines) {
    if (fault) continue;
    try {
      await tokens.createIdToken(fromJson(CreateIdTokenRequestSchema, { idToken: token }));
      onOutcome(line, "");
    } catch (error) {
      onOutcome(line, readError(error).message || String(error));
    }
  }
}

export function ImportTokens(props: { onClose: () => void }) {
  const t = useText();
  const client = useQueryClient();
  const [text, setText] = useState("");
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>([]);
  const [unknown, setUnknown] = useState<readonly string[]>([]);
  const [isPending, setPending] = useState(false);
  const check = () => {
    const file = readTokens(text);
    setOutcomes(file.lines);
    setUnknown(file.unknownColumns);
  };
  const run = async () => {
    setPending(true);
    let [added, failed] = [0, outcomes.filter(({ fault }) => fault).length];
    await addAll(outcomes, (line, error) => {
      if (error) failed += 1;
      else added += 1;
      setOutcomes((present) => present.map((one) => (one.line === line ? { ...one, error } : one)));
    });
    setPending(false);
    toast(t.imported(added, failed), failed > 0 ? "bad" : "good");
    invalidate(client, IdTokenService.method.listIdTokens);
  };
  const ready = outcomes.some(({ fault, error }) => !fault && error === undefined);
  return (
    <Dialog
      title={t.importTitle}
      isOpen
      wide
      onClose={props.onClose}
      actions={
        <>
          <Button onPress={check} isDisabled={!text.trim()}>
            {t.importCheck}
          </Button>
          <Button kind="primary" onPress={() => void run()} isDisabled={!ready} isPending={isPending}>
            {t.importRun}
          </Button>
        </>
      }
    >
      <p>{t.importHelp}</p>
      <FilePicker label={t.choose} onText={setText} />
      <TextArea label="CSV" value={text} onChange={setText} />
      {unknown.map((name) => (
        <p key={name} role="alert">
          {t.unknownColumn(name)}
        </p>
      ))}
      {outcomes.length > 0 && <Outcomes outcomes={outcomes} />}
    </Dialog>
  );
}

function FilePicker(props: { label: string; onText: (text: string) => void }) {
  return (
    <p>
      <label>
        {props.label}{" "}
        <input
          type="file"
          accept=".csv,text/csv"
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) void file.text().then(props.onText);
          }}
        />
      </label>
    </p>
  );
}

function Outcomes(props: { outcomes: readonly Outcome[] }) {
  const t = useText();
  const columns: Column<Outcome>[] = [
    { id: "line", label: t.line, width: "72px", cell: (row) => row.line },
    {
      id: "token",
      label: t.token,
      card: "head",
      cell: (row) => (typeof row.token.idToken === "string" ? row.token.idToken : ""),
    },
    {
      id: "result",
      label: t.result,
      width: "minmax(160px, 2fr)",
      cell: (row) => {
        if (row.fault) return <Badge tone="bad">{t[row.fault]}</Badge>;
        if (row.error === undefined) return <Badge>{t.ready}</Badge>;
        return row.error ? <Badge tone="bad">{row.error}</Badge> : <Badge tone="good">{t.done}</Badge>;
      },
    },
  ];
  return (
    <DataTable label={t.result} columns={columns} rows={props.outcomes} rowKey={(row) => String(row.line)} compact />
  );
}
