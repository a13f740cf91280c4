import { describe, expect, it } from "vitest";
import { getOption, type DescEnum, type DescField, type DescFile, type DescMessage } from "@bufbuild/protobuf";

import { isDeprecated } from "../api/methods";
import { enumLabel, fieldLabel, labelOf, methodLabel, ocppWord, unitOf } from "../forms/model";
import { Audience, audience } from "../stubs/csms/options/v1/options_pb";
import { CommandService, ResetStatusSchema, ResetTypeSchema } from "../stubs/csms/station/v1/command_service_pb";
import { RegistrationStatusSchema } from "../stubs/csms/station/v1/station_pb";
import { loadWords } from "./words";
import { de } from "./words/de";

const modules = import.meta.glob<Record<string, unknown>>("../stubs/csms/**/*_pb.ts", { eager: true });

function files(): DescFile[] {
  return Object.values(modules).flatMap((module) =>
    Object.values(module).filter((one): one is DescFile => (one as { kind?: string } | undefined)?.kind === "file"),
  );
}

function enumerations(): DescEnum[] {
  const nested = (message: DescMessage): DescEnum[] => [
    ...message.nestedEnums,
    ...message.nestedMessages.flatMap(nested),
  ];
  return files().flatMap((file) => [...file.enums, ...file.messages.flatMap(nested)]);
}

/** The fields of what operators send and receive, however deep. */
function operatorFields(): DescField[] {
  const seen = new Map<string, DescMessage>();
  const walk = (message: DescMessage) => {
    if (seen.has(message.typeName) || message.typeName.startsWith("google.")) return;
    seen.set(message.typeName, message);
    for (const field of message.fields) if (field.message) walk(field.message);
  };
  const services = files().flatMap((file) => file.services);
  for (const service of services.filter((one) => getOption(one, audience) === Audience.OPERATORS)) {
    for (const method of service.methods.filter((one) => one.methodKind === "unary")) {
      // Pages and filters of lists are no fields of a form.
      if (!method.name.startsWith("List")) walk(method.input);
      walk(method.output);
    }
  }
  return [...seen.values()].flatMap((message) => message.fields).filter((field) => !isDeprecated(field));
}

function bareNames(desc: DescEnum): string[] {
  const prefix = `${desc.name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase()}_`;
  const own = desc.sharedPrefix?.toUpperCase() ?? prefix;
  return desc.values
    .filter((value) => value.number !== 0)
    .map(({ name }) => (name.startsWith(own) ? name.slice(own.length) : name));
}

function wordOf(name: string): string[] | string {
  const words = ResetTypeSchema.values
    .filter((value) => value.name === name)
    .map((value) => ocppWord(ResetTypeSchema, value));
  return words.length === 1 ? words.join("") : words;
}

describe("the German words of the contract", () => {
  it("name each field that operators see", () => {
    const fields = operatorFields();
    const missing = fields
      .filter(({ name }) => !de.fields[name] && !de.fields[unitOf(name).name])
      .map(({ name }) => name);
    expect(fields.length).toBeGreaterThan(500);
    expect([...new Set(missing)], "add them to words/de.fields.ts, or de.answers.ts").toEqual([]);
  });

  it("name each value that operators see", () => {
    const seen = new Set(operatorFields().flatMap((field) => (field.enum ? [field.enum] : [])));
    const missing = [...seen].flatMap((desc) =>
      bareNames(desc)
        .filter((bare) => !(de.valuesOf[desc.name]?.[bare] ?? de.values[bare]))
        .map((bare) => `${desc.name}.${bare}`),
    );
    expect(seen.size).toBeGreaterThan(50);
    expect(missing, "add them to words/de.values.ts").toEqual([]);
  });

  it("have no word for a field, a value, an enumeration or a command that is not there", () => {
    const fields = new Set(
      files().flatMap((file) =>
        file.messages.flatMap((one) => one.fields.flatMap(({ name }) => [name, unitOf(name).name])),
      ),
    );
    expect(Object.keys(de.fields).filter((name) => !fields.has(name))).toEqual([]);
    const methods = new Set(
      files().flatMap((file) => file.services.flatMap((one) => one.methods.map(({ name }) => name))),
    );
    expect(Object.keys(de.methods).filter((name) => !methods.has(name))).toEqual([]);
    const known = new Set(enumerations().flatMap(bareNames));
    expect(Object.keys(de.values).filter((bare) => !known.has(bare))).toEqual([]);
    const byName = new Map(enumerations().map((desc) => [desc.name, new Set(bareNames(desc))]));
    const own = Object.entries(de.valuesOf).flatMap(([name, values]) =>
      Object.keys(values).map((bare) => [name, bare] as const),
    );
    expect(own.filter(([name, bare]) => !byName.get(name)?.has(bare))).toEqual([]);
  });

  it("name each command", () => {
    const missing = CommandService.methods.filter(({ name }) => !de.methods[name]).map(({ name }) => name);
    expect(missing, "add them to methods of words/de.values.ts").toEqual([]);
  });

  it("stand in place of the English ones, with the word of OCPP beside them, and go again", async () => {
    await loadWords("de");
    expect(enumLabel(ResetTypeSchema, "RESET_TYPE_ON_IDLE")).toBe("Sobald niemand lädt");
    expect(wordOf("RESET_TYPE_ON_IDLE")).toBe("OnIdle");
    expect(enumLabel(ResetStatusSchema, "RESET_STATUS_ACCEPTED")).toBe("Angenommen");
    expect(enumLabel(RegistrationStatusSchema, "REGISTRATION_STATUS_ACCEPTED")).toBe("Zugelassen");
    expect([labelOf("id_token"), methodLabel("Reset")]).toEqual(["Token", "Neu starten"]);
    expect([fieldLabel("max_power_w"), fieldLabel("event_days")]).toEqual(["Höchstleistung", "Ereignisse aufbewahren"]);
    await loadWords("en");
    expect(enumLabel(ResetTypeSchema, "RESET_TYPE_ON_IDLE")).toBe("On idle");
    expect(wordOf("RESET_TYPE_ON_IDLE")).toBe("");
  });
});
