export { enumColumn, enumFilter, numberColumn, stationColumn, textColumn, timeColumn } from "./columns";
export { withUpdateMask } from "./masks";
export {
  ResourceList,
  ResourcePage,
  rowJson,
  SectionList,
  type ResourceListProps,
  type ResourceMethod,
  useResourceMethods,
} from "./ResourcePage";
export { FleetPage, Parts, type Part } from "./FleetPage";
export { StopForm } from "./StopForm";
export { ExportButton } from "./ExportButton";
