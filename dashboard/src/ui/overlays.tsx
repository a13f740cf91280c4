// Layers over the page: dialogs, confirmations, menus, hints.
import { useState, type ReactNode } from "react";
import {
  Button as AriaButton,
  Dialog as AriaDialog,
  Heading,
  Menu as AriaMenu,
  MenuItem,
  MenuTrigger,
  Modal,
  ModalOverlay,
  Popover,
  Separator,
  Tooltip,
  TooltipTrigger,
} from "react-aria-components";

import { Button, IconButton } from "./Button";
import { cx } from "./cx";
import { TextField } from "./fields";
import { Icon, type IconName } from "./Icon";
import styles from "./overlays.module.css";
import { useUiText } from "./text";

export function Dialog(props: {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  /** Buttons at the foot. */
  actions?: ReactNode;
  wide?: boolean;
  role?: "dialog" | "alertdialog";
}) {
  const t = useUiText();
  return (
    <ModalOverlay
      className={cx(styles.overlay)}
      isOpen={props.isOpen}
      onOpenChange={(open) => {
        if (!open) props.onClose();
      }}
      isDismissable={props.role !== "alertdialog"}
    >
      <Modal className={cx(styles.modal, props.wide && styles.wide)}>
        <AriaDialog className={cx(styles.dialog)} role={props.role ?? "dialog"}>
          <header className={cx(styles.dialogHead)}>
            <Heading slot="title" className={cx(styles.dialogTitle)}>
              {props.title}
            </Heading>
            <IconButton label={t.close} icon="close" onPress={props.onClose} />
          </header>
          <div className={cx(styles.dialogBody)}>{props.children}</div>
          {props.actions && <footer className={cx(styles.dialogFoot)}>{props.actions}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** Asks once for what cannot be undone, naming the thing; where it concerns more than ten, asks for their number. */
export function ConfirmDialog(props: {
  title: string;
  children: ReactNode;
  /** Says what happens: "Delete station". */
  action: string;
  isOpen: boolean;
  onClose: () => void;
  onConfirm: () => void;
  isPending?: boolean;
  count?: number;
}) {
  const t = useUiText();
  const [typed, setTyped] = useState("");
  const needsNumber = (props.count ?? 0) > 10;
  const ready = !needsNumber || typed.trim() === String(props.count);
  return (
    <Dialog
      title={props.title}
      isOpen={props.isOpen}
      onClose={props.onClose}
      role="alertdialog"
      actions={
        <>
          <Button onPress={props.onClose}>{t.cancel}</Button>
          <Button kind="danger" onPress={props.onConfirm} isDisabled={!ready} isPending={props.isPending ?? false}>
            {props.action}
          </Button>
        </>
      }
    >
      {props.children}
      {needsNumber && (
        <TextField
          label={t.typeNumber(props.count ?? 0)}
          value={typed}
          onChange={setTyped}
          inputMode="numeric"
          startsFocused
        />
      )}
    </Dialog>
  );
}

export interface MenuEntry {
  id: string;
  label: string;
  icon?: IconName;
  onAction?: () => void;
  danger?: boolean;
  isDisabled?: boolean;
  /** A line above this entry. */
  separated?: boolean;
  checked?: boolean;
}

/** A button with a menu; without `text` it is an icon, named by `label`. */
export function MenuButton(props: {
  label: string;
  text?: ReactNode;
  icon?: IconName;
  entries: readonly MenuEntry[];
  className?: string;
}) {
  return (
    <MenuTrigger>
      <AriaButton aria-label={props.label} className={cx(styles.menuButton, props.className)}>
        {props.icon && <Icon name={props.icon} size={props.text ? 16 : 20} />}
        {props.text}
        {props.text && <Icon name="chevronDown" size={14} />}
      </AriaButton>
      <Popover className={cx(styles.popover)}>
        <AriaMenu className={cx(styles.menu)} aria-label={props.label}>
          {props.entries.flatMap((entry) => [
            ...(entry.separated ? [<Separator key={`${entry.id}-line`} className={cx(styles.line)} />] : []),
            <MenuItem
              key={entry.id}
              id={entry.id}
              textValue={entry.label}
              isDisabled={entry.isDisabled ?? false}
              onAction={() => entry.onAction?.()}
              className={cx(styles.item, entry.danger && styles.danger)}
            >
              {entry.icon && <Icon name={entry.icon} size={16} />}
              <span className={cx(styles.itemText)}>{entry.label}</span>
              {entry.checked && <Icon name="check" size={16} />}
            </MenuItem>,
          ])}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

/** A hint on hover and focus; the trigger is a button of this kit or another focusable of React Aria. */
export function Hint(props: { text: string; children: ReactNode }) {
  return (
    <TooltipTrigger delay={400}>
      {props.children}
      <Tooltip className={cx(styles.tooltip)} offset={6}>
        {props.text}
      </Tooltip>
    </TooltipTrigger>
  );
}
