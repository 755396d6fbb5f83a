export { handModel } from "#runtime/hand-model";
