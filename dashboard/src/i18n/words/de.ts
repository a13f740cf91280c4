import type { Words } from "../words";
import { answers } from "./de.answers";
import { fields } from "./de.fields";
import { methods, values, valuesOf } from "./de.values";

export const de: Words = { values, valuesOf, fields: { ...answers, ...fields }, methods };
