import type { ReactNode } from "react";
import { Button as AriaButton, ProgressBar, type PressEvent } from "react-aria-components";

import styles from "./Button.module.css";
import { cx } from "./cx";
import { Icon, type IconName } from "./Icon";
import { Link } from "./Link";
import { useUiText } from "./text";

export type ButtonKind = "primary" | "plain" | "quiet" | "danger";

interface Look {
  kind?: ButtonKind;
  small?: boolean;
  icon?: IconName;
}

export interface ButtonProps extends Look {
  children: ReactNode;
  onPress?: (event: PressEvent) => void;
  type?: "button" | "submit";
  isDisabled?: boolean;
  /** Work goes on: the button stays in its place and does nothing. */
  isPending?: boolean;
  className?: string;
  "aria-describedby"?: string;
}

function look(props: Look, extra?: string): string {
  return cx(styles.button, styles[props.kind ?? "plain"], props.small && styles.small, extra);
}

export function Button(props: ButtonProps) {
  const { kind, small, icon, children, className, ...rest } = props;
  const t = useUiText();
  const given: Look = { ...(kind && { kind }), ...(small && { small }) };
  return (
    <AriaButton {...rest} className={look(given, className)}>
      {icon && <Icon name={icon} size={16} />}
      {children}
      {/* React Aria announces this when the work begins and ends. */}
      {props.isPending && <ProgressBar isIndeterminate aria-label={t.loading} className="visually-hidden" />}
    </AriaButton>
  );
}

/** A link that looks like a button: it leads to a page. */
export function LinkButton(props: Look & { href: string; children: ReactNode }) {
  return (
    <Link href={props.href} className={look(props)}>
      {props.icon && <Icon name={props.icon} size={16} />}
      {props.children}
    </Link>
  );
}

/** A button of an icon alone; `label` is its name. */
export function IconButton(props: {
  label: string;
  icon: IconName;
  onPress?: (event: PressEvent) => void;
  isDisabled?: boolean;
  className?: string;
  pressed?: boolean;
}) {
  const { label, icon, className, pressed, ...rest } = props;
  return (
    <AriaButton
      {...rest}
      aria-label={label}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      className={cx(styles.iconButton, className)}
    >
      <Icon name={icon} />
    </AriaButton>
  );
}
