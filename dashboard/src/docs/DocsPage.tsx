// The frame: calls on the left, one of them beside. The call and the search are in the URL.
import { useEffect, useMemo, useState } from "react";

import { ErrorState, Page, SearchField, Skeleton, useUrlState } from "../ui";
import { AccessBox } from "./AccessBox";
import { CallView } from "./CallView";
import styles from "./docs.module.css";
import { byTag, calls, loadDocument, matching, type ApiDocument, type Call } from "./document";
import type { Access } from "./request";
import { Text } from "./Text";
import { useDocsText } from "./text";

const CALL = "call";
const SEARCH = "search";

function useDocument() {
  const [document, setDocument] = useState<ApiDocument | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    loadDocument().then(setDocument, setError);
  }, [attempt]);
  const retry = () => {
    setError(undefined);
    setAttempt(attempt + 1);
  };
  return { document, error, retry };
}

function CallList(props: { document: ApiDocument; all: readonly Call[]; chosen: string }) {
  const t = useDocsText();
  const url = useUrlState();
  const search = url.get(SEARCH);
  const groups = byTag(props.document, matching(props.all, search));
  return (
    <nav className={styles.nav} aria-label={t.calls}>
      <SearchField
        label={t.search}
        value={search}
        onChange={(value) => {
          url.set({ [SEARCH]: value });
        }}
      />
      {groups.length === 0 && <p className={styles.lead}>{t.nothingFound}</p>}
      {groups.map(([tag, group]) => (
        <details key={tag} open={Boolean(search) || group.some((call) => call.operationId === props.chosen)}>
          <summary>{tag}</summary>
          <ul>
            {group.map((call) => (
              <li key={call.operationId}>
                <a
                  href={`?${CALL}=${call.operationId}`}
                  aria-current={call.operationId === props.chosen ? "page" : undefined}
                  onClick={(event) => {
                    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                    event.preventDefault();
                    url.set({ [CALL]: call.operationId }, true);
                  }}
                >
                  <span className={styles.verb}>{call.verb}</span> {call.path.replace("/v1/", "")}
                </a>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </nav>
  );
}

function Overview(props: { document: ApiDocument }) {
  const t = useDocsText();
  return (
    <Page title={t.title}>
      <p className={styles.lead}>{t.goTo}</p>
      <div className={styles.lead}>
        <Text text={props.document.info.description} />
      </div>
    </Page>
  );
}

export function DocsPage() {
  const t = useDocsText();
  const { document, error, retry } = useDocument();
  const [access, setAccess] = useState<Access>({ kind: "session" });
  const chosen = useUrlState().get(CALL);
  const all = useMemo(() => (document ? calls(document) : []), [document]);
  const call = all.find((each) => each.operationId === chosen);
  return (
    <div className={styles.frame}>
      <header className={styles.bar}>
        <a href="/">{t.dashboard}</a>
        <strong>{t.title}</strong>
        <a href="/openapi.json">{t.document}</a>
      </header>
      {error !== undefined && <ErrorState title={t.failed} error={error} onRetry={retry} />}
      {!document && error === undefined && <Skeleton />}
      {document && (
        <div className={styles.body}>
          <CallList document={document} all={all} chosen={chosen} />
          <main className={styles.main}>
            <AccessBox access={access} onChange={setAccess} />
            {call ? <CallView document={document} call={call} access={access} /> : <Overview document={document} />}
          </main>
        </div>
      )}
    </div>
  );
}
