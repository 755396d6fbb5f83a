// Installs what the lock file says and builds. The install script of onnxruntime-node fetches CUDA libraries, and where it
// cannot, npm leaves the whole package out: npm 11 is told not to run it by `allowScripts`, older ones by this variable.
import { execFileSync } from "node:child_process";

const npm = process.env.npm_execpath ?? "npm";
const command = npm.endsWith("js") ? [process.execPath, npm] : [npm];
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
execFileSync(command[0], [...command.slice(1), "ci", "--no-audit", "--no-fund"], { stdio: "inherit", env });
await import("./build.mjs");
