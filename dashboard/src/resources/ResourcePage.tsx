// A list of resources with the methods that make, change and remove them, each as a form made from the contract.
import {
  toJson,
  type DescMessage,
  type DescMethodUnary,
  type JsonObject,
  type Message,
  type MessageShape,
} from "@bufbuild/protobuf";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import { invalidate } from "../api/queries";
import { usePermissions } from "../api/permissions";
import { MethodForm, methodLabel } from "../forms";
import { ListPage, RpcList, type Column, type RowOf, type RpcListProps } from "../tables";
import { Button, Dialog, MenuButton, toast, type IconName, type MenuEntry } from "../ui";
import { useDetails } from "./Details";
import { useResourceText } from "./text";

export type ListField<T> = { [K in keyof T]: T[K] extends readonly unknown[] ? K : never }[keyof T] & string;

/** A method that concerns one resource, or makes one. */
export interface ResourceMethod<Row> {
  method: DescMethodUnary;
  /** Says what happens: "Delete token"; the method's name where absent. */
  label?: string;
  icon?: IconName;
  danger?: boolean;
  /** Fields of the request that the resource gives, as ProtoJSON; not shown. */
  fixed?: (row: Row) => JsonObject;
  /** Fields that are filled in. */
  initial?: (row: Row) => JsonObject;
  /** Fields that are not shown. */
  hidden?: readonly string[];
  prepare?: (json: JsonObject, row: Row) => JsonObject;
  /** Asked before it is sent. */
  confirm?: (row: Row) => { title: string; text: ReactNode };
  /** Whether the state of the resource calls for it. */
  isOffered?: (row: Row) => boolean;
  /** Shows the answer in words of its own. */
  answer?: (answer: Message) => ReactNode;
  /** The answer has something to read: the dialog stays open. */
  keepsAnswer?: boolean;
}

export interface ResourceListProps<
  I extends DescMessage,
  O extends DescMessage,
  F extends ListField<MessageShape<O>>,
> extends RpcListProps<I, O, F> {
  /** The message of a row; with it a row opens what is known of it. */
  schema?: DescMessage;
  /** The part of a row that is shown above the fields of its message, such as a chart. */
  details?: (row: RowOf<MessageShape<O>, F>) => ReactNode;
  /** The methods of one row, in the order of its menu. */
  actions?: readonly ResourceMethod<RowOf<MessageShape<O>, F>>[];
  /** The methods that need no row: to make one, for example. The first is the page's chief action. */
  creates?: readonly ResourceMethod<undefined>[];
}

interface Asked<Row> {
  action: ResourceMethod<Row>;
  row: Row;
}

function labelOf(action: { label?: string; method: DescMethodUnary }): string {
  return action.label ?? methodLabel(action.method.name);
}

export interface ResourceMethodsProps<Row> {
  /** The method whose answers are read anew after a change. */
  list: DescMethodUnary;
  nameOf: (row: Row) => string;
  rowKey: (row: Row) => string;
  /** As in RpcListProps. */
  name?: string | undefined;
  details?: ((row: Row) => ReactNode) | undefined;
  /** The message of a row; with it a row opens what is known of it. */
  schema?: DescMessage | undefined;
  actions?: readonly ResourceMethod<Row>[] | undefined;
  creates?: readonly ResourceMethod<undefined>[] | undefined;
}

/** The methods of resources that the caller may call: the menu of one, the buttons of a page, and their dialogs. */
export function useResourceMethods<Row>(props: ResourceMethodsProps<Row>) {
  const t = useResourceText();
  const permissions = usePermissions();
  const [asked, setAsked] = useState<Asked<Row> | Asked<undefined> | undefined>();
  const actions = (props.actions ?? []).filter((action) => permissions.can(action.method));
  const creates = (props.creates ?? []).filter((action) => permissions.can(action.method));
  const { schema, nameOf, rowKey, name } = props;
  const shown = useDetails<Row>({ schema, rowKey, nameOf, above: props.details, name });
  const details = (row: Row): MenuEntry => ({
    id: "details",
    label: t.details,
    icon: "info",
    onAction: () => {
      shown.open(row);
    },
  });
  const entriesOf = (row: Row): MenuEntry[] => [
    ...(schema ? [details(row)] : []),
    ...actions
      .filter((action) => action.isOffered?.(row) ?? true)
      .map((action, index) => ({
        id: `${action.method.name}-${String(index)}`,
        label: labelOf(action),
        ...(action.icon ? { icon: action.icon } : {}),
        danger: action.danger ?? false,
        separated: action.danger ?? false,
        onAction: () => {
          setAsked({ action, row });
        },
      })),
  ];
  const buttons = creates.map((action, index) => (
    <Button
      key={`${action.method.name}-${String(index)}`}
      kind={index === 0 ? "primary" : "plain"}
      icon={action.icon ?? "plus"}
      onPress={() => {
        setAsked({ action, row: undefined });
      }}
    >
      {labelOf(action)}
    </Button>
  ));
  const dialogs = (
    <>
      {asked && (
        <FormDialog
          asked={asked as Asked<unknown>}
          name={asked.row === undefined ? "" : nameOf(asked.row)}
          list={props.list}
          onClose={() => {
            setAsked(undefined);
          }}
        />
      )}
    </>
  );
  const hasMenu = actions.length > 0 || schema !== undefined;
  return { entriesOf, hasMenu, buttons, dialogs, detailsDialog: shown.dialog };
}

/** The list of the page, with the column of actions and the dialogs that they open. */
function useResource<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  props: ResourceListProps<I, O, F>,
) {
  type Row = RowOf<MessageShape<O>, F>;
  const t = useResourceText();
  const nameOf = (row: Row) => props.rowName?.(row) ?? props.rowKey(row);
  const { rowKey, name, schema, details, actions, creates } = props;
  const list = props.method;
  const methods = useResourceMethods<Row>({ list, nameOf, rowKey, name, schema, details, actions, creates });
  const column: Column<Row> = {
    id: "actions",
    label: t.actions,
    width: "72px",
    align: "end",
    cell: (row) => {
      const entries = methods.entriesOf(row);
      return entries.length > 0 && <MenuButton label={t.actionsOf(nameOf(row))} icon="more" entries={entries} />;
    },
  };
  const columns = methods.hasMenu ? [...props.columns, column] : props.columns;
  return { columns, buttons: methods.buttons, dialogs: methods.dialogs, aside: methods.detailsDialog };
}

/** A method as a form over the page. The list reads the change anew. */
function FormDialog(props: { asked: Asked<unknown>; name: string; list: DescMethodUnary; onClose: () => void }) {
  const t = useResourceText();
  const client = useQueryClient();
  const { action, row } = props.asked;
  const label = labelOf(action);
  const { prepare } = action;
  const confirm = action.confirm?.(row) ?? (action.danger ? { title: `${label}?`, text: t.cannotUndo } : undefined);
  return (
    <Dialog title={props.name ? `${label}: ${props.name}` : label} isOpen wide onClose={props.onClose}>
      <MethodForm
        method={action.method}
        action={label}
        {...(action.fixed ? { fixed: action.fixed(row) } : {})}
        {...(action.initial ? { initial: action.initial(row) } : {})}
        {...(action.hidden ? { hidden: action.hidden } : {})}
        {...(prepare ? { prepare: (json: JsonObject) => prepare(json, row) } : {})}
        {...(confirm ? { confirm } : {})}
        {...(action.answer ? { answer: action.answer } : {})}
        onDone={() => {
          invalidate(client, props.list);
          if (action.keepsAnswer) return;
          toast(t.done);
          props.onClose();
        }}
      />
    </Dialog>
  );
}

/** A page that is one list of resources. */
export function ResourcePage<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  props: ResourceListProps<I, O, F> & { title: string; meta?: ReactNode },
) {
  const resource = useResource<I, O, F>(props);
  return (
    <>
      <ListPage {...props} columns={resource.columns} actions={resource.buttons} aside={resource.aside} />
      {resource.dialogs}
    </>
  );
}

/** The same within a tab or a section. */
export function ResourceList<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  props: ResourceListProps<I, O, F>,
) {
  const resource = useResource<I, O, F>(props);
  return (
    <>
      <RpcList
        {...props}
        columns={resource.columns}
        aside={resource.aside}
        tools={
          <>
            {props.tools}
            {resource.buttons}
          </>
        }
      />
      {resource.dialogs}
    </>
  );
}

/** A list in a page about one thing: the scope of the top bar does not concern it, and it is as high as its rows. */
export function SectionList<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  props: ResourceListProps<I, O, F>,
) {
  return <ResourceList {...props} ignoreScope fill={false} />;
}

/** A row as ProtoJSON, for the fields of a form. */
export function rowJson(schema: DescMessage, row: unknown): JsonObject {
  return toJson(schema, row as Message) as JsonObject;
}
