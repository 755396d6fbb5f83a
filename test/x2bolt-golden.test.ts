import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readBolt } from "../src/bolt/read.ts";
import type { BoltVersion } from "../src/bolt/version.ts";
import { writeBolt } from "../src/bolt/write.ts";
import type { BoltPrecision } from "../src/convert/onnx-to-bolt/index.ts";
import { memorySource } from "../src/io/bytes.ts";
import { BoltqError } from "../src/io/error.ts";
import { folderExternalData } from "../src/io/node/external-data.ts";
import { fileSource } from "../src/io/node/file-source.ts";
import { memoryTarget } from "../src/io/target.ts";
import { convertToBolt } from "../src/quantize/bolt/convert-to-bolt.ts";
import { type Difference, diffModels } from "../src/report/difference.ts";
import { BOLTS_FILES } from "./describe-as-bolt.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

interface Case {
  readonly title: string;
  readonly model: string;
  readonly name: string;
  readonly precision: BoltPrecision;
  readonly version: BoltVersion;
  /** Bolt's own file, or its hash where the file is not at hand. */
  readonly expected: { readonly file: string } | { readonly sha256: string };
  /** (offset, length) of bytes that Bolt leaves uninitialised. */
  readonly masks: readonly (readonly [number, number])[];
}

function read(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}

/** The real models, and where Bolt's files for them are. */
const MODELS: readonly (readonly [model: string, name: string, folder: string, older: string | undefined])[] = [
  ["golden/bolt/smallcnn/smallcnn.onnx", "smallcnn", "smallcnn", "smallcnn"],
  ["golden/bolt/midcnn/midcnn.onnx", "midcnn", "midcnn", "midcnn"],
  // Bolt 1.3.0's files for SqueezeNet were made from the Caffe model.
  ["models/squeezenet_v1.1/squeezenet_v1.1.caffemodel", "squeezenet_v1.1", "squeezenet_v1.1_caffe", "squeezenet_v1.1"],
  ["models/ultraface_rfb_320/RFB-320.caffemodel", "RFB-320", "ultraface_rfb_320_caffe", undefined],
  [
    "models/mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.tflite",
    "mobilenet_v1_0.25_224",
    "mobilenet_v1_0.25_224_tflite",
    undefined,
  ],
  ["models/squeezenet_v1.1/squeezenet_v1.1.onnx", "squeezenet_v1.1", "squeezenet_v1.1", undefined],
  [
    "models/mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx",
    "mobilenet_v1_0.25_224",
    "mobilenet_v1_0.25_224",
    "mobilenet_v1_0.25_224",
  ],
  ["models/cifar10_resnet20/cifar10_resnet20.onnx", "cifar10_resnet20", "cifar10_resnet20", "cifar10_resnet20"],
  ["models/ultraface_rfb_320/version-RFB-320.onnx", "version-RFB-320", "ultraface_rfb_320", "ultraface_rfb_320"],
  ["golden/bolt/ppocr_det/ppocr_det_320x320_folded.onnx", "ppocr_det_320x320_folded", "ppocr_det", "ppocr_det"],
  ["models/efficientnet_lite0/efficientnet_lite0.onnx", "efficientnet_lite0", "efficientnet_lite0", undefined],
  ["golden/bolt_v1.3/edges/edges.onnx", "edges", "", "edges"],
];

function newerCases(): Case[] {
  return MODELS.flatMap(([model, name, folder]) => {
    const index = sharedPath("golden", "bolt_models", folder, "model.json");
    if (folder === "" || !existsSync(index)) return [];
    const { files, masks } = JSON.parse(readFileSync(index, "utf8")) as {
      files: Record<string, { sha256: string }>;
      masks?: Record<string, [number, number][]>;
    };
    return (
      Object.entries(BOLTS_FILES)
        .filter(([file]) => files[file] !== undefined)
        // A hash over bytes that were left uninitialised says nothing.
        .filter(
          ([file]) =>
            masks?.[file] === undefined ||
            storedFile(["golden/bolt_models", "golden/bolt"], folder, file) !== undefined,
        )
        .map(([file, precision]) => ({
          title: `${model} ${precision}`,
          model: sharedPath(model),
          name,
          precision,
          version: 20220831 as const,
          expected: storedFile(["golden/bolt_models", "golden/bolt"], folder, file) ?? { sha256: files[file]!.sha256 },
          masks: masks?.[file] ?? [],
        }))
    );
  });
}

/** The file itself, where it is stored; a ptq_input has the model's name before it. */
function storedFile(homes: readonly string[], folder: string, file: string): { file: string } | undefined {
  for (const home of homes) {
    const directory = sharedPath(home, folder);
    if (!existsSync(directory)) continue;
    const found = readdirSync(directory).find((entry) => entry === file || entry.endsWith(`_${file}`));
    if (found !== undefined) return { file: join(directory, found) };
  }
  return undefined;
}

function olderCases(): Case[] {
  return MODELS.flatMap(([model, name, , folder]) => {
    if (folder === undefined) return [];
    const manifest = JSON.parse(
      readFileSync(sharedPath("golden", "bolt_v1.3", folder, "manifest.json"), "utf8"),
    ) as Record<string, { sha256?: string }>;
    return Object.entries(BOLTS_FILES).flatMap(([file, precision]) => {
      const sha256 = manifest[file]?.sha256 ?? manifest[`${name}_${file}`]?.sha256;
      if (sha256 === undefined) return [];
      const expected = storedFile(["golden/bolt_v1.3"], folder, file) ?? { sha256 };
      return [
        {
          title: `${model} ${precision} (20220126)`,
          model: sharedPath(model),
          name,
          precision,
          version: 20220126 as const,
          expected,
          masks: [],
        },
      ];
    });
  });
}

async function converted({ model, name, precision, version, masks }: Case): Promise<Uint8Array> {
  const result = await convertToBolt(fileSource(model), {
    externalData: folderExternalData(model),
    precision,
    version,
    name,
    asBolt: true,
  });
  const target = memoryTarget();
  await writeBolt(result.model, target);
  const bytes = target.result();
  for (const [offset, length] of masks) bytes.fill(0, offset, offset + length);
  return bytes;
}

async function difference(entry: Case): Promise<string | undefined> {
  try {
    const bytes = await converted(entry);
    if ("sha256" in entry.expected) {
      return createHash("sha256").update(bytes).digest("hex") === entry.expected.sha256
        ? undefined
        : "other bytes (by hash)";
    }
    const found = await diffModels(
      await readBolt(memorySource(read(entry.expected.file))),
      await readBolt(memorySource(bytes)),
    );
    return found.length === 0 ? undefined : describe(found);
  } catch (error) {
    if (error instanceof BoltqError) return error.message;
    throw error;
  }
}

function describe(found: readonly Difference[]): string {
  const lines = found
    .slice(0, 8)
    .map(
      ({ kind, subject, first, second }) => `${kind} ${subject}: ${JSON.stringify(first)} -> ${JSON.stringify(second)}`,
    );
  return `${found.length} differences\n  ${lines.join("\n  ")}`;
}

describeWithShared("X2bolt against Bolt's own files", () => {
  for (const entry of [...newerCases(), ...olderCases()]) {
    it(entry.title, async () => {
      expect(await difference(entry)).toBeUndefined();
    });
  }
});
