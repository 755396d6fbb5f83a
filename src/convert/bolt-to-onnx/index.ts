export { type RaiseOptions, raisedNames, raiseToOnnx } from "./raise.ts";
