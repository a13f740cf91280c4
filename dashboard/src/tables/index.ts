export { readSort, sortRows, writeSort, type Column, type Sort, type SortValue } from "./columns";
export { DataTable, type DataTableProps } from "./DataTable";
export { allOf, beginsWith, clauseOf, quoted, type Filter, type FilterOption } from "./filters";
export { ListPage, RpcList, type RpcListProps } from "./ListPage";
export type { ApplyEvent } from "./live_rows";
export { useScopeClause } from "./scope";
export { PHONE, useMedia } from "./useMedia";
export { dropRows, usePagedRows, type LiveRows, type PagedOptions, type PagedRows, type RowOf } from "./usePagedRows";
