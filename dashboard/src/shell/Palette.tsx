// Search everywhere, and commands: pages, then what capabilities find by the text.
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Dialog as AriaDialog, Modal, ModalOverlay } from "react-aria-components";

import { usePermissions } from "../api/permissions";
import { useLanguage } from "../i18n/catalogue";
import { cx, Icon, useGo } from "../ui";
import type { PaletteEntry } from "./capability";
import styles from "./Palette.module.css";
import { capabilities, navigationFor, offered } from "./registry";
import { useShellText } from "./text";

const SETTLE_MS = 150;

function useStaticEntries(): PaletteEntry[] {
  const t = useShellText();
  const language = useLanguage();
  const permissions = usePermissions();
  const pages = navigationFor(permissions).map((item): PaletteEntry => ({
    id: item.path,
    label: item.label[language],
    hint: t.goTo,
    icon: item.icon,
    href: item.path,
  }));
  const commands = capabilities.flatMap((capability) =>
    offered(capability.commands ?? [], permissions).map((command): PaletteEntry => ({
      id: `${capability.name}.${command.id}`,
      label: command.label[language],
      ...(command.icon ? { icon: command.icon } : {}),
      ...(command.href ? { href: command.href } : {}),
    })),
  );
  return [...pages, ...commands];
}

/** The entries that the capabilities find; an earlier search is given up when the text changes. */
function useFound(text: string): { entries: PaletteEntry[]; searching: boolean } {
  const permissions = usePermissions();
  const [found, setFound] = useState<{ text: string; entries: PaletteEntry[] }>({ text: "", entries: [] });
  const wanted = text.trim();
  useEffect(() => {
    if (!wanted) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      const searches = offered(
        capabilities.flatMap((capability) => (capability.search ? [capability.search] : [])),
        permissions,
      );
      void Promise.all(
        searches
          .map(async (one) => {
            const { search } = await one.load();
            return await search(wanted, abort.signal);
          })
          .map((result) => result.catch(() => [])),
      ).then((lists) => {
        if (!abort.signal.aborted) setFound({ text: wanted, entries: lists.flat() });
      });
    }, SETTLE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [wanted, permissions]);
  return { entries: wanted ? found.entries : [], searching: Boolean(wanted) && found.text !== wanted };
}

/** A thing whose id or name is typed whole comes before those that only contain it. */
function exactFirst(entries: readonly PaletteEntry[], word: string): PaletteEntry[] {
  const isExact = (entry: PaletteEntry) => entry.names?.some((name) => name.toLowerCase() === word) ?? false;
  return [...entries.filter(isExact), ...entries.filter((entry) => !isExact(entry))];
}

export default function Palette(props: { onClose: () => void }) {
  const t = useShellText();
  return (
    <ModalOverlay
      className={cx(styles.overlay)}
      isOpen
      isDismissable
      onOpenChange={(open) => {
        if (!open) props.onClose();
      }}
    >
      <Modal className={cx(styles.modal)}>
        <AriaDialog aria-label={t.palette} className={cx(styles.dialog)}>
          <PaletteBody onClose={props.onClose} />
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

function PaletteBody(props: { onClose: () => void }) {
  const t = useShellText();
  const go = useGo();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const known = useStaticEntries();
  const { entries: found, searching } = useFound(text);
  const word = text.trim().toLowerCase();
  const matching = [...known.filter((entry) => entry.label.toLowerCase().includes(word)), ...found];
  const entries = exactFirst(matching, word).slice(0, 30);
  const index = Math.min(chosen, Math.max(0, entries.length - 1));
  const run = (entry: PaletteEntry | undefined) => {
    if (!entry) return;
    props.onClose();
    entry.run?.();
    if (entry.href) go(entry.href);
  };
  const move = (to: number) => {
    const next = (to + entries.length) % Math.max(1, entries.length);
    setChosen(next);
    list.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") move(index + 1);
    else if (event.key === "ArrowUp") move(index - 1);
    else if (event.key === "Enter") run(entries[index]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div className={cx(styles.field)}>
        <Icon name="search" />
        <input
          // eslint-disable-next-line jsx-a11y/no-autofocus -- a dialog that was opened to type in
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={entries.length > 0 ? `palette-${String(index)}` : undefined}
          aria-label={t.search}
          placeholder={t.search}
          className={cx(styles.input)}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setChosen(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div ref={list} id="palette-list" role="listbox" aria-label={t.palette} className={cx(styles.list)}>
        {entries.map((entry, at) => (
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are those of the field
          <div
            key={entry.id}
            id={`palette-${String(at)}`}
            role="option"
            tabIndex={-1}
            aria-selected={at === index}
            className={cx(styles.entry, at === index && styles.chosen)}
            onMouseMove={() => {
              setChosen(at);
            }}
            onClick={() => {
              run(entry);
            }}
          >
            <Icon name={entry.icon ?? "chevronRight"} size={16} />
            <span className={cx(styles.label)}>{entry.label}</span>
            {entry.hint && <span className={cx(styles.hint)}>{entry.hint}</span>}
          </div>
        ))}
      </div>
      <p role="status" className={cx(styles.status)}>
        {searching ? t.searching : entries.length === 0 ? t.nothingFound : ""}
      </p>
    </>
  );
}
