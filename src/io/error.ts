/** What kind of thing went wrong; stable, for programs to branch on. */
export type ErrorCode =
  | "usage"
  | "not-found"
  | "io"
  | "format"
  | "truncated"
  | "limit"
  | "unsupported"
  | "invalid-graph"
  | "invalid-data"
  | "mismatch"
  | "runtime-missing"
  | "runtime"
  | "cancelled";

/** Where it went wrong and what to do about it. */
export interface ErrorDetails {
  /** The file, as the user named it. */
  file?: string | undefined;
  /** Byte offset in that file. */
  offset?: number | undefined;
  /** Name (and type) of the operator or tensor concerned. */
  subject?: string | undefined;
  /** One sentence: what the user can do. */
  remedy?: string | undefined;
  cause?: unknown;
}

/** The one error type that boltq throws on purpose. `message` is complete: what, where and what to do. */
export class BoltqError extends Error {
  override readonly name = "BoltqError";
  readonly code: ErrorCode;
  /** What is wrong, without place and remedy. */
  readonly problem: string;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, problem: string, details: ErrorDetails = {}) {
    super(describe(problem, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.problem = problem;
    this.details = details;
  }

  /** The same error with more known about its place; what is already known wins. */
  within(details: ErrorDetails): BoltqError {
    const known = Object.fromEntries(Object.entries(this.details).filter(([, value]) => value !== undefined));
    return new BoltqError(this.code, this.problem, { ...details, ...known });
  }
}

/** Does `work`; a BoltqError that it throws has `details` of its place too. */
export async function placed<Result>(details: ErrorDetails, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof BoltqError ? error.within(details) : error;
  }
}

function describe(problem: string, { file, offset, subject, remedy }: ErrorDetails): string {
  const place = [file, offset === undefined ? undefined : `byte ${offset}`, subject].filter(
    (part) => part !== undefined,
  );
  const head = place.length > 0 ? `${place.join(", ")}: ${problem}` : problem;
  return remedy === undefined ? head : `${head}. ${remedy}`;
}
