export { Fields } from "./Fields";
export { curlLine, grpcurlLine, restRequest } from "./lines";
export { MessageView } from "./MessageView";
export { CommandLines, MethodForm, type MethodFormProps } from "./MethodForm";
export { enumLabel, formFields, labelOf, methodLabel, ocppWord, unitOf, valueLabel } from "./model";
export { readValues, toValues, type Values } from "./values";
