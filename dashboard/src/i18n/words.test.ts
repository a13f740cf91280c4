import { describe, expect, it } from "vitest";
import type { DescEnum, DescFile, DescMessage } from "@bufbuild/protobuf";

import { enumLabel, labelOf, methodLabel, ocppWord } from "../forms/model";
import { CommandService, ResetStatusSchema, ResetTypeSchema } from "../stubs/csms/station/v1/command_service_pb";
import { RegistrationStatusSchema } from "../stubs/csms/station/v1/station_pb";
import { loadWords } from "./words";
import { de } from "./words/de";

const modules = import.meta.glob<Record<string, unknown>>("../stubs/csms/**/*_pb.ts", { eager: true });

/** Each enumeration of the stubs; those that operators never see have words too, or are few. */
function enumerations(): DescEnum[] {
  const files = Object.values(modules).flatMap((module) =>
    Object.values(module).filter((one): one is DescFile => (one as { kind?: string } | undefined)?.kind === "file"),
  );
  const nested = (message: DescMessage): DescEnum[] => [
    ...message.nestedEnums,
    ...message.nestedMessages.flatMap(nested),
  ];
  return files.flatMap((file) => [...file.enums, ...file.messages.flatMap(nested)]);
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
  it("name nearly all values of enumerations", () => {
    const all = enumerations().flatMap((desc) =>
      bareNames(desc).map((bare) => ({
        name: `${desc.name}.${bare}`,
        known: de.valuesOf[desc.name]?.[bare] ?? de.values[bare],
      })),
    );
    const missing = all.filter(({ known }) => !known).map(({ name }) => name);
    expect(all.length).toBeGreaterThan(500);
    // New parts of the contract may come first: a value without a word is shown in English.
    expect(missing.length / all.length, missing.join(" ")).toBeLessThan(0.15);
  });

  it("have no word for a value, an enumeration or a command that is not there", () => {
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
    expect(missing.length, missing.join(" ")).toBeLessThan(CommandService.methods.length / 2);
    expect(Object.keys(de.help).filter((name) => name.startsWith(CommandService.typeName)).length).toBeGreaterThan(20);
  });

  it("stand in place of the English ones, with the word of OCPP beside them, and go again", async () => {
    await loadWords("de");
    expect(enumLabel(ResetTypeSchema, "RESET_TYPE_ON_IDLE")).toBe("Sobald niemand lädt");
    expect(wordOf("RESET_TYPE_ON_IDLE")).toBe("OnIdle");
    expect(enumLabel(ResetStatusSchema, "RESET_STATUS_ACCEPTED")).toBe("Angenommen");
    expect(enumLabel(RegistrationStatusSchema, "REGISTRATION_STATUS_ACCEPTED")).toBe("Zugelassen");
    expect([labelOf("id_token"), methodLabel("Reset")]).toEqual(["Karte", "Neu starten"]);
    await loadWords("en");
    expect(enumLabel(ResetTypeSchema, "RESET_TYPE_ON_IDLE")).toBe("On idle");
    expect(wordOf("RESET_TYPE_ON_IDLE")).toBe("");
  });
});
