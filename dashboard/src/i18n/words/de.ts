import type { Words } from "../words";
import { fields } from "./de.fields";
import { methods, values, valuesOf } from "./de.values";

export const de: Words = { values, valuesOf, fields, methods };
