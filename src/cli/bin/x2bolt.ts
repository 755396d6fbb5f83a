#!/usr/bin/env node
import { main } from "../main.ts";
import { x2bolt } from "../x2bolt.ts";

await main("X2bolt", () => x2bolt(process.argv.slice(2)));
