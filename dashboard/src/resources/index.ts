export { enumColumn, numberColumn, textColumn, timeColumn } from "./columns";
export { withUpdateMask } from "./masks";
export {
  ResourceList,
  ResourcePage,
  rowJson,
  type ResourceListProps,
  type ResourceMethod,
  useResourceMethods,
} from "./ResourcePage";
export { ExportButton } from "./ExportButton";
