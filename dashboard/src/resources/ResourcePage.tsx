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
import { useEffect, useState, type ReactNode } from "react";

import { invalidate } from "../api/queries";
import { usePermissions } from "../api/permissions";
import { MessageView, MethodForm, methodLabel } from "../forms";
import { ListPage, RpcList, type Column, type PagedRows, type RowOf, type RpcListProps } from "../tables";
import { Button, Dialog, MenuButton, Skeleton, toast, useUrlState, type IconName, type MenuEntry } from "../ui";
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
  /** What is shown of a row beside the fields of its message, such as a chart. */
  details?: (row: RowOf<MessageShape<O>, F>) => ReactNode;
  /** The methods of one row, in the order of its menu. */
  actions?: readonly ResourceMethod<RowOf<MessageShape<O>, F>>[];
  /** The methods that need no row: to make one, for example. The first is the page's chief action. */
  creates?: readonly ResourceMethod<undefined>[];
}

/** Rows that are read at most to find the one that the URL names. */
const MOST_READ = 5_000;

interface Asked<Row> {
  action: ResourceMethod<Row>;
  row: Row;
}

function labelOf(action: { label?: string; method: DescMethodUnary }): string {
  return action.label ?? methodLabel(action.method.name);
}

/** The list of the page, with the column of actions and the dialogs that they open. */
function useResource<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  props: ResourceListProps<I, O, F>,
) {
  type Row = RowOf<MessageShape<O>, F>;
  const t = useResourceText();
  const permissions = usePermissions();
  const [asked, setAsked] = useState<Asked<Row> | Asked<undefined> | undefined>();
  const url = useUrlState();
  const parameter = props.name ? `${props.name}.open` : "open";
  const actions = (props.actions ?? []).filter((action) => permissions.can(action.method));
  const creates = (props.creates ?? []).filter((action) => permissions.can(action.method));
  const name = (row: Row) => props.rowName?.(row) ?? props.rowKey(row);
  const entriesOf = (row: Row): MenuEntry[] => [
    ...(props.schema
      ? [
          {
            id: "details",
            label: t.details,
            icon: "info" as const,
            onAction: () => {
              url.set({ [parameter]: props.rowKey(row) }, true);
            },
          },
        ]
      : []),
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
  const column: Column<Row> = {
    id: "actions",
    label: t.actions,
    width: "72px",
    align: "end",
    cell: (row) => {
      const entries = entriesOf(row);
      return entries.length > 0 && <MenuButton label={t.actionsOf(name(row))} icon="more" entries={entries} />;
    },
  };
  const hasMenu = actions.length > 0 || props.schema !== undefined;
  const columns = hasMenu ? [...props.columns, column] : props.columns;
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
          name={asked.row === undefined ? "" : name(asked.row)}
          list={props.method}
          onClose={() => {
            setAsked(undefined);
          }}
        />
      )}
    </>
  );
  const { schema } = props;
  const opened = url.get(parameter);
  const close = () => {
    url.set({ [parameter]: undefined });
  };
  const aside = (paged: PagedRows<Row>) =>
    schema && opened ? (
      <DetailsDialog {...{ paged, opened, close, schema, name }} rowKey={props.rowKey} details={props.details} />
    ) : null;
  return { columns, buttons, dialogs, aside };
}

/** What is known of the row that the URL names. Pages are read until it is there: a link may lead far down. */
function DetailsDialog<Row>(props: {
  paged: PagedRows<Row>;
  opened: string;
  schema: DescMessage;
  rowKey: (row: Row) => string;
  name: (row: Row) => string;
  details: ((row: Row) => ReactNode) | undefined;
  close: () => void;
}) {
  const t = useResourceText();
  const { paged, opened, rowKey } = props;
  const row = paged.rows.find((one) => rowKey(one) === opened);
  const { hasMore, isLoading, isLoadingMore, loadMore } = paged;
  const isMissing = row === undefined;
  const goesOn = isMissing && hasMore && paged.rows.length < MOST_READ;
  useEffect(() => {
    if (goesOn && !isLoadingMore) loadMore();
  }, [goesOn, isLoadingMore, loadMore]);
  const isReading = isLoading || isLoadingMore || goesOn;
  return (
    <Dialog title={row === undefined ? t.details : props.name(row)} isOpen wide onClose={props.close}>
      {row !== undefined && (
        <>
          {props.details?.(row)}
          <MessageView desc={props.schema} message={row as Message} />
        </>
      )}
      {isMissing && (isReading ? <Skeleton lines={4} /> : <p>{t.gone}</p>)}
    </Dialog>
  );
}

/** A method as a form over the page. What was done is read anew by the list. */
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

/** A row as ProtoJSON, for the fields of a form. */
export function rowJson(schema: DescMessage, row: unknown): JsonObject {
  return toJson(schema, row as Message) as JsonObject;
}
