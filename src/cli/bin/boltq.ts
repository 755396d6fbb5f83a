#!/usr/bin/env node
import { main } from "../main.ts";
import { runProgram } from "../program.ts";

await main("boltq", () => runProgram(process.argv.slice(2)));
