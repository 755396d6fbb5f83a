import type { Command } from "commander";

/** What a command file exports: it puts arguments, options and the action on a fresh commander command. */
export interface CommandModule {
  define(command: Command): void;
}

/** A command and where its file is. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}
