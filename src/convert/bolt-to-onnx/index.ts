export { type RaiseOptions, raiseToOnnx } from "./raise.ts";
