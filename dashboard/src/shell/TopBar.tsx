import { lazy, Suspense } from "react";

import { usePermissions } from "../api/permissions";
import { signOut, useSession } from "../api/session";
import { setLanguage, useLanguage } from "../i18n/catalogue";
import { useFormats } from "../formats/Time";
import { useLiveState } from "../live/hooks";
import { Permission } from "../stubs/csms/options/v1/options_pb";
import { cx, Hint, Icon, Link, MenuButton } from "../ui";
import { Button } from "react-aria-components";
import styles from "./TopBar.module.css";
import { useShellText } from "./text";
import { setTheme, useTheme, type Theme } from "./theme";

// The stubs of sites are not part of the first view.
const ScopeSwitch = lazy(() => import("./ScopeSwitch"));

export function TopBar(props: { onPalette: () => void }) {
  const t = useShellText();
  const permissions = usePermissions();
  return (
    <header className={styles.bar}>
      <Link href="/" className={styles.brand}>
        <Icon name="bolt" />
        <span className={styles.brandWord}>ocpp-mesh</span>
      </Link>
      {permissions.has(Permission.SITES_READ) && (
        <Suspense>
          <ScopeSwitch />
        </Suspense>
      )}
      <button type="button" className={styles.search} onClick={props.onPalette}>
        <Icon name="search" size={16} />
        <span className={styles.searchWord}>{t.search}</span>
        <kbd className={styles.key}>{/Mac/.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <LiveMark />
      <AccountMenu />
    </header>
  );
}

/** Whether the page is live. */
function LiveMark() {
  const t = useShellText();
  const state = useLiveState();
  const marks = { live: styles.isLive, connecting: styles.isConnecting, paused: styles.isPaused, off: styles.isOff };
  const words = { live: t.live, connecting: t.connecting, paused: t.connecting, off: t.off };
  const hint = state.kind === "off" ? t.offHint : t.liveHint;
  return (
    <Hint text={hint}>
      <Button className={cx(styles.live, marks[state.kind])} aria-label={words[state.kind]}>
        <span className={styles.dot} aria-hidden="true" />
        <span className={styles.liveWord}>{words[state.kind]}</span>
      </Button>
    </Hint>
  );
}

/** The line that says since when the page has not been live; the data stay. */
export function PausedLine() {
  const t = useShellText();
  const state = useLiveState();
  const formats = useFormats();
  return (
    <div role="status" className={state.kind === "paused" ? styles.paused : undefined}>
      {state.kind === "paused" && (
        <>
          <Icon name="wifiOff" size={16} />
          {t.paused(formats.time(state.sinceMs))}
        </>
      )}
    </div>
  );
}

function AccountMenu() {
  const t = useShellText();
  const session = useSession();
  const theme = useTheme();
  const language = useLanguage();
  const name = session?.username ?? "";
  const choices: readonly (readonly [Theme, string, "settings" | "sun" | "moon"])[] = [
    ["auto", t.themeAuto, "settings"],
    ["light", t.themeLight, "sun"],
    ["dark", t.themeDark, "moon"],
  ];
  return (
    <MenuButton
      label={t.account(name)}
      icon="user"
      text={<span className={styles.user}>{name}</span>}
      entries={[
        ...choices.map(([id, label, icon]) => ({
          id,
          label,
          icon,
          checked: theme === id,
          onAction: () => {
            setTheme(id);
          },
        })),
        {
          id: "language",
          label: t.language,
          icon: "globe",
          separated: true,
          onAction: () => {
            setLanguage(language === "en" ? "de" : "en");
          },
        },
        { id: "out", label: t.signOut, icon: "signOut", separated: true, onAction: () => void signOut() },
      ]}
    />
  );
}
