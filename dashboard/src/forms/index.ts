export { Fields } from "./Fields";
export { shortComment, useComments } from "./help";
export { curlLine, grpcurlLine, restRequest } from "./lines";
export { MessageView } from "./MessageView";
export { CommandLines, MethodForm, type MethodFormProps } from "./MethodForm";
export { enumLabel, formFields, labelOf, methodLabel, ocppWord, unitOf, valueLabel } from "./model";
export { readValues, toValues, type Values } from "./values";
