// Makes src/stubs/ from proto/: messages, services and the options of the contract. Run before everything else here.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { writeComments } from "./comments.js";

const dashboard = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(dashboard);
const stubs = join(dashboard, "src", "stubs");
const googleapis = join(root, "third_party", "googleapis");

function protos(folder, base) {
  return readdirSync(join(base, folder), { recursive: true })
    .filter((name) => name.endsWith(".proto"))
    .map((name) => relative(base, join(base, folder, name)))
    .sort();
}

rmSync(stubs, { recursive: true, force: true });
mkdirSync(stubs, { recursive: true });
execFileSync(
  join(root, ".venv", "bin", "python"),
  [
    "-m",
    "grpc_tools.protoc",
    `-I${join(root, "proto")}`,
    `-I${googleapis}`,
    `--plugin=protoc-gen-es=${join(dashboard, "node_modules", ".bin", "protoc-gen-es")}`,
    `--es_out=${stubs}`,
    "--es_opt=target=ts",
    ...protos("csms", join(root, "proto")),
    ...protos("google", googleapis),
  ],
  { stdio: "inherit" },
);

writeComments(
  join(root, ".venv", "bin", "python"),
  [`-I${join(root, "proto")}`, `-I${googleapis}`],
  protos("csms", join(root, "proto")),
  join(stubs, "comments.json"),
);
