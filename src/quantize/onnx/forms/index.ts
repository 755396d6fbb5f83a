export { applyForms, hasForms } from "./apply-forms.ts";
export { fitToInputs } from "./fit-to-inputs.ts";
export { largeValues } from "./large-values.ts";
export { planForms } from "./plan-forms.ts";
export { SharedWork } from "./shared-work.ts";
