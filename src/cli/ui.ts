import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import sirv from "sirv";
import { BoltqError } from "../io/error.ts";
import { parseCount } from "./number-option.ts";
import { printLines } from "./print.ts";

/** Where the app lies: beside the folder of the built programs; where the sources are run, in dist/ all the same. */
const FOLDERS = ["../ui", "../../dist/ui"].map((place) => fileURLToPath(new URL(place, import.meta.url)));

export function define(command: Command): void {
  command
    .option("--port <number>", "where it listens, on this machine alone (default: a free one)", parseCount)
    .action(({ port = 0 }: { readonly port?: number }) => serve(port));
}

/** Serves the app until the process is stopped. */
async function serve(port: number): Promise<void> {
  const folder = FOLDERS.find((each) => existsSync(join(each, "index.html")));
  if (folder === undefined) {
    throw new BoltqError("not-found", "the app is not built", {
      remedy: "Install boltq from its package, or build it with npm run build",
    });
  }
  const files = sirv(folder, { etag: true });
  const server = createServer((request, response) => files(request, response));
  await listening(server, port);
  const { port: taken } = server.address() as AddressInfo;
  printLines([`boltq is at http://localhost:${taken}/ (on this machine alone; Ctrl+C ends it)`]);
  await new Promise((resolve) => server.once("close", resolve));
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(
        new BoltqError("io", `nothing can listen at port ${port}: ${cause.message}`, {
          remedy: "Give another --port, or none for one that is free",
          cause,
        }),
      );
    server.once("error", fail);
    // A wrong number is thrown, a port that is taken comes as an event.
    try {
      server.listen(port, "127.0.0.1", resolve);
    } catch (cause) {
      fail(cause as Error);
    }
  });
}
