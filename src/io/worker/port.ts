/** One end of the line between two threads. */
export interface WorkerPort {
  /** The buffers in `handedOver` are gone for the sender. */
  post(message: unknown, handedOver: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** The end that a worker itself holds. */
export interface OwnPort extends WorkerPort {
  /** Ends the worker once nothing is under way. */
  close(): void;
}

/** The end that whoever started the worker holds. */
export interface StartedWorker extends WorkerPort {
  /** Called when the worker fails outside of an answer; it is of no use afterwards. */
  onFailure(listener: (error: Error) => void): void;
  /** Resolves when it has ended, in whatever way. */
  readonly ended: Promise<void>;
  /** Makes it end. Safe to call twice. */
  end(): void;
  /** Whether the process must stay alive for it. Means nothing in a browser. */
  hold(held: boolean): void;
}
