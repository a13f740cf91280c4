// All that is known of a row, in a dialog that the URL names: a link shows a colleague the same.
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { useEffect, type ReactNode } from "react";

import { MessageView } from "../forms";
import type { PagedRows } from "../tables";
import { Dialog, Skeleton, useUrlState } from "../ui";
import { useResourceText } from "./text";

/** Rows that are read at most to find the one that the URL names. */
const MOST_READ = 5_000;

type Rows<Row> = Pick<PagedRows<Row>, "rows" | "isLoading" | "isLoadingMore" | "hasMore" | "loadMore">;

export interface DetailsProps<Row> {
  schema: DescMessage | undefined;
  rowKey: (row: Row) => string;
  nameOf: (row: Row) => string;
  /** Shown above the fields of the message, such as a chart. */
  above?: ((row: Row) => ReactNode) | undefined;
  /** Prefix of the parameter in the URL, where a page has several lists. */
  name?: string | undefined;
}

/** Opens a row, and gives the dialog of the row that is open. */
export function useDetails<Row>(props: DetailsProps<Row>) {
  const url = useUrlState();
  const parameter = props.name ? `${props.name}.open` : "open";
  const opened = url.get(parameter);
  const { schema, rowKey } = props;
  const close = () => {
    url.set({ [parameter]: undefined });
  };
  return {
    open: (row: Row) => {
      url.set({ [parameter]: rowKey(row) }, true);
    },
    dialog: (paged: Rows<Row>) =>
      schema && opened ? <DetailsDialog {...props} {...{ paged, opened, close, schema }} /> : null,
  };
}

/** Pages are read until the row is there: a link may lead far down. */
function DetailsDialog<Row>(
  props: DetailsProps<Row> & { schema: DescMessage; paged: Rows<Row>; opened: string; close: () => void },
) {
  const t = useResourceText();
  const { paged, opened, rowKey } = props;
  const row = paged.rows.find((one) => rowKey(one) === opened);
  const { hasMore, isLoading, isLoadingMore, loadMore } = paged;
  const goesOn = row === undefined && hasMore && paged.rows.length < MOST_READ;
  useEffect(() => {
    if (goesOn && !isLoadingMore) loadMore();
  }, [goesOn, isLoadingMore, loadMore]);
  const isReading = isLoading || isLoadingMore || goesOn;
  return (
    <Dialog title={row === undefined ? t.details : props.nameOf(row)} isOpen wide onClose={props.close}>
      {row !== undefined && (
        <>
          {props.above?.(row)}
          <MessageView desc={props.schema} message={row as Message} />
        </>
      )}
      {row === undefined && (isReading ? <Skeleton lines={4} /> : <p>{t.gone}</p>)}
    </Dialog>
  );
}
