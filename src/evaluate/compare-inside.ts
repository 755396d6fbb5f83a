import { raiseToOnnx } from "../convert/bolt-to-onnx/index.ts";
import type { Model } from "../convert/model-file.ts";
import type { Sample } from "../data/dataset.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { NamedTensors, Session } from "../runtime/runtime.ts";
import { ErrorTable, type TensorComparison } from "./error-table.ts";
import { LayerLosses, type LossOptions } from "./layer-losses.ts";
import { type LayerPairs, layerPairs, type NamePair, namePairs } from "./layer-pairs.ts";
import { type ExplainedLoss, explainLoss, sharedScales } from "./loss-reasons.ts";
import type { OpenOptions } from "./open-session.ts";
import { rangeOf } from "./quantizer-noise.ts";
import { rankedLosses } from "./ranked-losses.ts";

/** What one operator of the second model costs. */
export interface OperatorLoss extends ExplainedLoss {
  /** Its name and type in the first model, and its counterpart's in the second. */
  readonly operator: string;
  readonly type: string;
  readonly counterpart: string;
  readonly counterpartType: string;
  /** dB of its value in the second model as it runs: the errors of all operators before it, and its own. */
  readonly accumulated: number;
  /** dB of its value when its inputs are those of the first model: its own error alone. */
  readonly local: number;
  /** dB of the first model's worst output when this operator's own error is all that is wrong; undefined where not measured. */
  readonly effect: number | undefined;
}

/** What `compareModels` finds inside of two models. */
export interface InnerComparison {
  /** Operators of the first model, and how many of them have a counterpart in the second or are fused into one that has. */
  readonly operators: number;
  readonly paired: number;
  /** Operators of the second model that lose, those that cost the outputs most first. */
  readonly losses: readonly OperatorLoss[];
  /** By the value's name in the first model: the range in which the second one stores it. */
  readonly ranges: ReadonlyMap<string, readonly [low: number, high: number]>;
  /** Outputs of the second model as the runtime optimizes it, against the same model without optimization. */
  readonly optimized: readonly TensorComparison[];
}

type SessionPair = readonly [Session, Session];

type InsideOptions = { readonly [Key in keyof LossOptions]?: LossOptions[Key] | undefined };

/** Opens one of the two models. */
export type OpenSide = (side: 0 | 1, options: OpenOptions) => Promise<Session>;

/** Sessions that give all paired values, without optimization. */
interface Inside {
  readonly observed: SessionPair;
  readonly pairs: LayerPairs;
  readonly losses: LayerLosses;
}

async function openInside(
  models: readonly [Model, Model],
  open: OpenSide,
  { threads = 1, runtime, carried }: InsideOptions,
): Promise<Inside> {
  const pairs = await layerPairs(...models);
  const inner = (side: 0 | 1) =>
    open(side, { layers: namePairs(pairs).map((pair) => pair[side]), optimization: "none" });
  const observed = [await inner(0), await inner(1)] as const;
  const floats = observed.map(
    ({ outputs }) => new Set(outputs.filter(({ type }) => type?.type === "float32").map(({ name }) => name)),
  ) as [Set<string>, Set<string>];
  const losses = await LayerLosses.of(
    [await asOnnx(models[0]), await asOnnx(models[1])],
    pairs.pairs,
    (name, otherName) => floats[0].has(name) && floats[1].has(otherName),
    { runtime: runtime ?? (await loadRuntime()), threads, carried },
  );
  return { observed, pairs, losses };
}

async function asOnnx(model: Model): Promise<OnnxModel> {
  return model.format === "bolt" ? raiseToOnnx(model, { layers: true }) : model;
}

/** What is gathered inside of two models. */
export class InsideTables {
  readonly layers: ErrorTable;
  readonly #optimized: ErrorTable;
  readonly #inside: Inside;

  private constructor(inside: Inside, plain: SessionPair) {
    this.#inside = inside;
    this.layers = new ErrorTable(innerPairs(namePairs(inside.pairs), plain));
    this.#optimized = new ErrorTable(plain[1].outputs.map(({ name }) => [name, name]));
  }

  /** Opens both models once more, with what is inside. `plain` are the sessions without. */
  static async open(
    models: readonly [Model, Model],
    plain: SessionPair,
    open: OpenSide,
    options: InsideOptions,
  ): Promise<InsideTables> {
    return new InsideTables(await openInside(models, open, options), plain);
  }

  /** `optimized` is what the second model gives as it is used. */
  async add(sample: Sample, feeds: readonly [NamedTensors, NamedTensors], optimized: NamedTensors): Promise<void> {
    const { observed, losses } = this.#inside;
    const [first, second] = await Promise.all([observed[0].run(feeds[0]), observed[1].run(feeds[1])]);
    this.layers.add(first, second);
    this.#optimized.add(second, optimized);
    await losses.add(sample, first, second);
  }

  async close(): Promise<void> {
    await this.#inside.losses.close();
  }

  async summary(): Promise<InnerComparison> {
    const { operators, paired } = this.#inside.pairs;
    const accumulated = new Map(this.layers.comparisons().map((row) => [row.name, row.decibels]));
    const all = await this.#inside.losses.results();
    const losses = rankedLosses(all);
    const shared = sharedScales(losses);
    return {
      operators,
      paired,
      losses: await Promise.all(
        losses.map(async (loss) => ({
          operator: loss.pair.operator.name || loss.name,
          type: loss.pair.operator.type,
          counterpart: loss.pair.counterpart.name || loss.otherName,
          counterpartType: loss.pair.counterpart.type,
          accumulated: accumulated.get(loss.name) ?? loss.local,
          local: loss.local,
          effect: loss.effect,
          ...(await explainLoss(loss, shared)),
        })),
      ),
      ranges: new Map(
        all.flatMap(({ name, quantizer }) => (quantizer === undefined ? [] : [[name, rangeOf(quantizer)] as const])),
      ),
      optimized: this.#optimized.comparisons(),
    };
  }
}

/** The pairs that are not outputs of both models. */
function innerPairs(pairs: readonly NamePair[], plain: SessionPair): NamePair[] {
  const [first, second] = plain.map((session) => new Set(session.outputs.map(({ name }) => name)));
  return pairs.filter(([name, otherName]) => !(first!.has(name) && second!.has(otherName)));
}
