import { useState } from "react";

import { Button } from "./Button";
import styles from "./Code.module.css";
import { useUiText } from "./text";

/** Copies a text; on an insecure origin there is no clipboard API, and a hidden field has to serve. */
export async function copyText(text: string): Promise<void> {
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard) {
    await clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  // Deprecated, and the only way on plain http.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  document.execCommand("copy");
  area.remove();
}

export function CopyButton(props: { text: string; label?: string }) {
  const t = useUiText();
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void copyText(props.text).then(() => {
      setCopied(true);
      setTimeout(() => {
        setCopied(false);
      }, 2_000);
    });
  };
  return (
    <Button small kind="quiet" icon={copied ? "check" : "copy"} onPress={copy}>
      {copied ? t.copied : (props.label ?? t.copy)}
    </Button>
  );
}

/** A text in the form of a program: JSON, a command line. */
export function CodeBlock(props: { text: string; label: string }) {
  return (
    <div className={styles.block}>
      <div className={styles.bar}>
        <span>{props.label}</span>
        <CopyButton text={props.text} />
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard */}
      <pre className={styles.pre} tabIndex={0} aria-label={props.label}>
        {props.text}
      </pre>
    </div>
  );
}
