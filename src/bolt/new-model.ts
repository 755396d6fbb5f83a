import { NO_BYTES } from "../io/bytes.ts";
import type { BoltModel, BoltNodeData, BoltWeight } from "./model.ts";
import { Parameters, type ParameterValues } from "./parameters.ts";
import type { BoltVersion } from "./version.ts";

/** A float model that was not read from a file. */
export function newModel(
  parts: Pick<BoltModel, "version" | "name" | "inputDescriptions" | "graph" | "weights">,
): BoltModel {
  return {
    format: "bolt",
    dataType: "F32",
    nameResidue: undefined,
    inputResidues: [],
    outputResidues: [],
    trailer: NO_BYTES,
    ...parts,
  };
}

/** What a new operator has beside its name and values; parameters that are not given are zero. */
export function newNodeData(type: string, version: BoltVersion, parameters: ParameterValues = {}): BoltNodeData {
  return {
    parameters: Parameters.of(type, version, parameters),
    scales: [],
    positions: undefined,
    residues: new Map(),
  };
}

/** A weight record without scales. */
export function newWeight(operator: string, data: Pick<BoltWeight, "dataType" | "weight" | "vector">): BoltWeight {
  return { operator, ...data, scales: [], residue: undefined };
}
