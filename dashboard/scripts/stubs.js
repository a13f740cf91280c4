// Makes src/stubs/ from proto/: messages, services and the options of the contract. Run before everything else here.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { dashboard, includes, ours, python, theirs, writeComments } from "./contract.js";

const stubs = join(dashboard, "src", "stubs");

rmSync(stubs, { recursive: true, force: true });
mkdirSync(stubs, { recursive: true });
execFileSync(
  python,
  [
    "-m",
    "grpc_tools.protoc",
    ...includes,
    `--plugin=protoc-gen-es=${join(dashboard, "node_modules", ".bin", "protoc-gen-es")}`,
    `--es_out=${stubs}`,
    "--es_opt=target=ts",
    ...ours,
    ...theirs,
  ],
  { stdio: "inherit" },
);

writeComments(join(stubs, "comments.json"));
