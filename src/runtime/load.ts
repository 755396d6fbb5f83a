export { loadRuntime } from "#runtime/load";
export { runtimeOf } from "./runtime-of.ts";
