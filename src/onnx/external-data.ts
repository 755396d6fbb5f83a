import type { Source } from "../io/bytes.ts";

/** Opens the file that external tensor data names, by its location relative to the model. */
export type ExternalData = (location: string) => Source | Promise<Source>;
