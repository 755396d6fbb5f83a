import { spawn } from "node:child_process";
import { programPath } from "./program.ts";

/** The app as `boltq ui` serves it. */
export interface ServedApp {
  readonly address: string;
  readonly close: () => void;
}

/** Starts the built `boltq ui`. */
export async function serveApp(): Promise<ServedApp> {
  const server = spawn(process.execPath, [programPath("boltq"), "ui"], { stdio: ["ignore", "pipe", "ignore"] });
  const line = await new Promise<string>((resolve) => server.stdout.once("data", (data) => resolve(`${data}`)));
  return { address: /http:\S+/.exec(line)![0], close: () => server.kill() };
}
