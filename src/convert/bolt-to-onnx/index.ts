export { raiseToOnnx } from "./raise.ts";
