#!/usr/bin/env node
import { main } from "../main.ts";
import { postTrainingQuantization } from "../post-training-quantization.ts";

await main("post_training_quantization", () => postTrainingQuantization(process.argv.slice(2)), 1);
