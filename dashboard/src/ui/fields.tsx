// Fields of forms: label above, help below, error in words.
import type { ReactNode } from "react";
import {
  Button as AriaButton,
  CheckboxButton,
  CheckboxField,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  SearchField as AriaSearchField,
  Select as AriaSelect,
  SelectValue,
  SwitchButton,
  SwitchField,
  Text,
  TextArea as AriaTextArea,
  TextField as AriaTextField,
} from "react-aria-components";

import { cx } from "./cx";
import styles from "./fields.module.css";
import { Icon } from "./Icon";
import { useUiText } from "./text";

interface FieldProps {
  label: string;
  /** Leaves the label to screen readers. */
  hideLabel?: boolean;
  help?: ReactNode;
  error?: string | undefined;
  isRequired?: boolean;
  isDisabled?: boolean;
  className?: string | undefined;
}

function FieldLabel(props: Pick<FieldProps, "label" | "hideLabel" | "isRequired">) {
  return (
    <Label className={props.hideLabel ? "visually-hidden" : styles.label}>
      {props.label}
      {props.isRequired && <span className={cx(styles.required)}> *</span>}
    </Label>
  );
}

function Below(props: Pick<FieldProps, "help" | "error">) {
  return (
    <>
      {props.help && (
        <Text slot="description" className={cx(styles.help)}>
          {props.help}
        </Text>
      )}
      <FieldError className={cx(styles.error)}>{props.error}</FieldError>
    </>
  );
}

export interface TextFieldProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  onBlur?: () => void;
  type?: "text" | "password" | "email" | "date" | "datetime-local" | "time";
  inputMode?: "text" | "numeric" | "decimal";
  placeholder?: string;
  autoComplete?: string;
  /** Has the focus when it appears: in a dialog or a page that was opened to type there. */
  startsFocused?: boolean;
  name?: string;
  /** A unit at the end of the field: `s`, `kWh`. */
  unit?: string | undefined;
  mono?: boolean;
}

export function TextField(props: TextFieldProps) {
  const { label, hideLabel, help, error, unit, placeholder, mono, className, isRequired, ...rest } = props;
  return (
    <AriaTextField
      {...rest}
      isInvalid={Boolean(error)}
      aria-required={isRequired}
      className={cx(styles.field, className)}
    >
      <FieldLabel label={label} {...(hideLabel && { hideLabel })} {...(isRequired && { isRequired })} />
      <div className={cx(styles.box)}>
        <Input className={cx(styles.input, mono && styles.mono)} {...(placeholder ? { placeholder } : {})} />
        {unit && <span className={cx(styles.unit)}>{unit}</span>}
      </div>
      <Below help={help} error={error} />
    </AriaTextField>
  );
}

export function TextArea(props: Omit<TextFieldProps, "type" | "unit"> & { rows?: number }) {
  const { label, hideLabel, help, error, placeholder, mono, className, rows, isRequired, ...rest } = props;
  return (
    <AriaTextField
      {...rest}
      isInvalid={Boolean(error)}
      aria-required={isRequired}
      className={cx(styles.field, className)}
    >
      <FieldLabel label={label} {...(hideLabel && { hideLabel })} {...(isRequired && { isRequired })} />
      <AriaTextArea
        className={cx(styles.input, styles.area, mono && styles.mono)}
        rows={rows ?? 4}
        {...(placeholder ? { placeholder } : {})}
      />
      <Below help={help} error={error} />
    </AriaTextField>
  );
}

export interface Option {
  id: string;
  label: string;
  description?: string;
}

export function Select(
  props: FieldProps & {
    options: readonly Option[];
    value: string;
    onChange: (value: string) => void;
    placeholder?: string;
  },
) {
  const { label, hideLabel, help, error, options, value, onChange, placeholder, className, isRequired, isDisabled } =
    props;
  return (
    <AriaSelect
      className={cx(styles.field, className)}
      value={value || null}
      onChange={(key) => {
        onChange(key === null ? "" : String(key));
      }}
      isInvalid={Boolean(error)}
      {...(isRequired && { isRequired })}
      {...(isDisabled && { isDisabled })}
      validationBehavior="aria"
      {...(placeholder === undefined ? {} : { placeholder })}
    >
      <FieldLabel label={label} {...(hideLabel && { hideLabel })} {...(isRequired && { isRequired })} />
      <AriaButton className={cx(styles.input, styles.select)}>
        <SelectValue className={cx(styles.selectValue)}>
          {({ selectedText, defaultChildren }) => selectedText || defaultChildren}
        </SelectValue>
        <Icon name="chevronDown" size={16} />
      </AriaButton>
      <Below help={help} error={error} />
      <Popover className={cx(styles.popover)}>
        <ListBox className={cx(styles.list)} items={options}>
          {(option) => (
            <ListBoxItem id={option.id} textValue={option.label} className={cx(styles.option)}>
              <Text slot="label">{option.label}</Text>
              {option.description && (
                <Text slot="description" className={cx(styles.help)}>
                  {option.description}
                </Text>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

export function Checkbox(props: {
  children?: ReactNode;
  isSelected: boolean;
  isIndeterminate?: boolean;
  onChange: (isSelected: boolean) => void;
  isDisabled?: boolean;
  "aria-label"?: string;
  excludeFromTabOrder?: boolean;
}) {
  const { children, isSelected, isIndeterminate, ...rest } = props;
  return (
    <CheckboxField
      className={cx(styles.checkField)}
      {...rest}
      isSelected={isSelected}
      {...(isIndeterminate && { isIndeterminate })}
    >
      <CheckboxButton className={cx(styles.check)}>
        <span className={styles.checkBox}>
          {isIndeterminate ? <span className={styles.dash} /> : isSelected && <Icon name="check" size={14} />}
        </span>
        {children}
      </CheckboxButton>
    </CheckboxField>
  );
}

export function Switch(props: {
  children: ReactNode;
  isSelected: boolean;
  onChange: (isSelected: boolean) => void;
  isDisabled?: boolean;
}) {
  const { children, ...rest } = props;
  return (
    <SwitchField {...rest}>
      <SwitchButton className={cx(styles.switch)}>
        <span className={styles.track}>
          <span className={styles.knob} />
        </span>
        {children}
      </SwitchButton>
    </SwitchField>
  );
}

export function SearchField(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  onSubmit?: () => void;
  placeholder?: string;
  id?: string;
  className?: string;
}) {
  const t = useUiText();
  const { label, placeholder, className, ...rest } = props;
  return (
    <AriaSearchField {...rest} aria-label={label} className={cx(styles.search, className)}>
      <Icon name="search" size={16} className={cx(styles.searchIcon)} />
      <Input className={cx(styles.input, styles.searchInput)} placeholder={placeholder ?? label} data-search-field />
      <AriaButton className={cx(styles.clear)} aria-label={t.clear}>
        <Icon name="close" size={14} />
      </AriaButton>
    </AriaSearchField>
  );
}
