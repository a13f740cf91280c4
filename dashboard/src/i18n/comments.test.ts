import { describe, expect, it } from "vitest";
import {
  getOption,
  hasOption,
  type DescEnum,
  type DescEnumValue,
  type DescFile,
  type DescMethod,
} from "@bufbuild/protobuf";

import { formFields, nestedFields, type FormField, type Input } from "../forms/model";
import en from "../stubs/comments.json";
import { Audience, audience, ocpp_word } from "../stubs/csms/options/v1/options_pb";
import { CommandService } from "../stubs/csms/station/v1/command_service_pb";
import de from "./comments/de";

const modules = import.meta.glob<Record<string, unknown>>("../stubs/csms/**/*_pb.ts", { eager: true });
const ENGLISH: Readonly<Record<string, string>> = en;

/** The methods that operators call with a form: all but those of lists and streams. */
function methodsOfForms(): DescMethod[] {
  const files = Object.values(modules).flatMap((module) =>
    Object.values(module).filter((one): one is DescFile => (one as { kind?: string } | undefined)?.kind === "file"),
  );
  return files
    .flatMap((file) => file.services)
    .filter((service) => getOption(service, audience) === Audience.OPERATORS)
    .flatMap((service) => service.methods)
    .filter((method) => method.methodKind === "unary" && !method.name.startsWith("List"));
}

/** A value whose comment is the word of OCPP alone has no help: the word stands beside the value. */
function isExplained(desc: DescEnum, value: DescEnumValue): boolean {
  return !hasOption(value, ocpp_word) || ENGLISH[`${desc.typeName}.${value.name}`] !== undefined;
}

/** The names of all that a form may show help for, however deep. */
function namesOf(input: Input, seen = new Set<string>()): string[] {
  switch (input.kind) {
    case "list":
      return namesOf(input.item, seen);
    case "map":
      return namesOf(input.value, seen);
    case "enum":
      return input.desc.values
        .filter((value) => value.number !== 0 && isExplained(input.desc, value))
        .map((value) => `${input.desc.typeName}.${value.name}`);
    case "message": {
      if (seen.has(input.desc.typeName)) return [];
      seen.add(input.desc.typeName);
      return nestedFields(input).flatMap((field) => namesOfField(field, seen));
    }
    default:
      return [];
  }
}

function namesOfField(field: FormField, seen: Set<string>): string[] {
  return [field.fullName, ...namesOf(field.input, seen)];
}

function namesOfForm(method: DescMethod): string[] {
  const seen = new Set<string>();
  const fields = formFields(method.input).flatMap((field) => namesOfField(field, seen));
  return [`${method.parent.typeName}.${method.name}`, ...fields];
}

describe("the German comments of the contract", () => {
  it("are there for all that a form shows", () => {
    const names = new Set(methodsOfForms().flatMap(namesOfForm));
    expect(names.size).toBeGreaterThan(1000);
    expect([...names].filter((name) => !de[name])).toEqual([]);
    expect(Object.keys(de).filter((name) => !names.has(name))).toEqual([]);
  });

  it("differ from the English ones but where both are words of OCPP", () => {
    const same = Object.keys(de).filter((name) => de[name] === ENGLISH[name]);
    // A word of OCPP is `MeterValueClock`, `Energy.Active.Net`, `SHA-256`, with a unit or a version beside it.
    const words = same.filter((name) => !/^[\w.-]+(, (Wh|varh|VAh|var|W|A|V|Hz)| \d[\d.]*)?\.$/.test(de[name] ?? ""));
    expect(words).toEqual([]);
    expect(CommandService.methods.filter(({ name }) => same.includes(`${CommandService.typeName}.${name}`))).toEqual(
      [],
    );
  });

  it("keep numbers, and names in code of the contract", () => {
    const codes = (text: string) => (text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|`[^`]+`/g) ?? []).toSorted();
    const lost = Object.keys(de).filter(
      (name) => !codes(ENGLISH[name] ?? "").every((code) => (de[name] ?? "").includes(code)),
    );
    expect(lost).toEqual([]);
  });
});
