import { useLanguage } from "../i18n/catalogue";
import { Dialog } from "../ui";
import type { NavigationItem } from "./capability";
import styles from "./ShortcutList.module.css";
import { useShellText } from "./text";

export default function ShortcutList(props: { items: readonly NavigationItem[]; onClose: () => void }) {
  const t = useShellText();
  const language = useLanguage();
  const rows: [string, string][] = [
    ["/", t.shortcutSearch],
    ["Ctrl K", t.shortcutPalette],
    ["↑ ↓", t.shortcutRows],
    ["Enter", t.shortcutOpen],
    ["Space", t.shortcutSelect],
    ...props.items
      .filter((item) => item.shortcut)
      .map((item): [string, string] => [`g ${item.shortcut ?? ""}`, t.shortcutGo(item.label[language])]),
    ["?", t.shortcutHelp],
  ];
  return (
    <Dialog title={t.shortcuts} isOpen onClose={props.onClose}>
      <dl className={styles.list}>
        {rows.map(([keys, text]) => (
          <div key={keys} className={styles.row}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key} className={styles.key}>
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
