export { applyForms, hasForms } from "./apply-forms.ts";
export { planForms } from "./plan-forms.ts";
