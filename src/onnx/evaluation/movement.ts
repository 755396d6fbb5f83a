import { type Dimension, elementCount, stridesOf } from "../../graph/tensor.ts";
import { floatAttribute, intAttribute, intsAttribute, textAttribute } from "../attributes.ts";
import { axesOf, axisOf, integersIn } from "../shape-rules/dimensions.ts";
import { sliceBounds, sliceSpan } from "../shape-rules/slicing.ts";
import { broadcastPlaces, type Evaluate, type Evaluators, pick, placesOf } from "./evaluator.ts";

/** The same elements in another shape. */
const keep: Evaluate = ([input]) => input && [input.values];

const transpose: Evaluate = ([input], [output], node) => {
  if (input === undefined) return undefined;
  const rank = input.shape.length;
  const permutation = axesOf(intsAttribute(node, "perm") ?? input.shape.map((_, axis) => rank - 1 - axis), rank);
  const strides = stridesOf(input.shape);
  return [
    pick(
      input.values,
      placesOf(
        output!.shape,
        permutation.map((axis) => strides[axis]!),
      ),
    ),
  ];
};

const expand: Evaluate = ([input], [output]) =>
  input && [pick(input.values, broadcastPlaces(input.shape, output!.shape))];

const tile: Evaluate = ([input], [output]) => {
  if (input === undefined) return undefined;
  const strides = stridesOf(input.shape);
  const places = placesOf(output!.shape, stridesOf(output!.shape));
  const outer = stridesOf(output!.shape);
  return [
    Array.from(places, (place) => {
      let from = 0;
      for (let axis = 0; axis < outer.length; axis++) {
        from += ((Math.floor(place / outer[axis]!) % output!.shape[axis]!) % input.shape[axis]!) * strides[axis]!;
      }
      return input.values[from];
    }),
  ];
};

const concat: Evaluate = (inputs, [output], node) => {
  const axis = axisOf(intAttribute(node, "axis", 1), output!.shape.length);
  const rows = elementCount(output!.shape.slice(0, axis));
  const values: Dimension[] = [];
  for (let row = 0; row < rows; row++) {
    for (const input of inputs) {
      if (input === undefined) return undefined;
      const width = elementCount(input.shape.slice(axis));
      for (let index = row * width; index < (row + 1) * width; index++) values.push(input.values[index]);
    }
  }
  return [values];
};

const split: Evaluate = ([input], outputs, node) => {
  if (input === undefined) return undefined;
  const axis = axisOf(intAttribute(node, "axis", 0), input.shape.length);
  const strides = stridesOf(input.shape);
  let start = 0;
  return outputs.map(({ shape }) => {
    const part = pick(input.values, placesOf(shape, strides, start * strides[axis]!));
    start += shape[axis]!;
    return part;
  });
};

const slice: Evaluate = (inputs, [output], node) => {
  const input = inputs[0];
  if (input === undefined) return undefined;
  const bounds = sliceBounds(node, (index) => inputs[index]?.values, input.shape.length);
  const [starts, ends, steps] = [bounds?.starts, bounds?.ends, bounds?.steps].map(integersIn);
  if (bounds === undefined || starts === undefined || ends === undefined || steps === undefined) return undefined;
  const strides = stridesOf(input.shape);
  const moves = [...strides];
  let first = 0;
  bounds.axes.forEach((axis, index) => {
    const span = sliceSpan(input.shape[axis]!, starts[index]!, ends[index]!, steps[index]!);
    first += span.first * strides[axis]!;
    moves[axis] = span.step * strides[axis]!;
  });
  return [pick(input.values, placesOf(output!.shape, moves, first))];
};

/** Indices as places in an axis of `size`; undefined when one is unknown or outside. */
function placesIn(size: number, values: readonly Dimension[]): number[] | undefined {
  const indices = integersIn(values)?.map((index) => (index < 0 ? index + size : index));
  return indices?.every((index) => index >= 0 && index < size) ? indices : undefined;
}

const gather: Evaluate = ([data, indices], _outputs, node) => {
  if (data === undefined || indices === undefined) return undefined;
  const axis = axisOf(intAttribute(node, "axis", 0), data.shape.length);
  const size = data.shape[axis]!;
  const places = placesIn(size, indices.values);
  if (places === undefined) return undefined;
  const inner = elementCount(data.shape.slice(axis + 1));
  const values: Dimension[] = [];
  for (let outer = 0; outer < elementCount(data.shape.slice(0, axis)); outer++) {
    for (const place of places) {
      const from = (outer * size + place) * inner;
      for (let index = from; index < from + inner; index++) values.push(data.values[index]);
    }
  }
  return [values];
};

const gatherElements: Evaluate = ([data, indices], _outputs, node) => {
  if (data === undefined || indices === undefined) return undefined;
  const axis = axisOf(intAttribute(node, "axis", 0), data.shape.length);
  const places = placesIn(data.shape[axis]!, indices.values);
  if (places === undefined) return undefined;
  const strides = stridesOf(data.shape);
  const others = placesOf(
    indices.shape,
    strides.map((stride, index) => (index === axis ? 0 : stride)),
  );
  return [places.map((place, index) => data.values[others[index]! + place * strides[axis]!])];
};

/** Copies `updates` over slices of the data that tuples of indices name. */
const scatterND: Evaluate = ([data, indices, updates], _outputs, node) => {
  const plain = !node.data.attributes.has("reduction");
  if (data === undefined || indices === undefined || updates === undefined || !plain) return undefined;
  const depth = indices.shape.at(-1)!;
  const width = elementCount(data.shape.slice(depth));
  const strides = stridesOf(data.shape);
  const values = [...data.values];
  for (let tuple = 0; tuple * depth < indices.values.length; tuple++) {
    let to = 0;
    for (let axis = 0; axis < depth; axis++) {
      const place = placesIn(data.shape[axis]!, [indices.values[tuple * depth + axis]]);
      if (place === undefined) return undefined;
      to += place[0]! * strides[axis]!;
    }
    for (let index = 0; index < width; index++) values[to + index] = updates.values[tuple * width + index];
  }
  return [values];
};

/** The element of an axis of `size` that stands at `place`, which may lie outside; undefined where the fill value stands. */
const PADDING: Readonly<Record<string, (place: number, size: number) => number | undefined>> = {
  constant: (place, size) => (place >= 0 && place < size ? place : undefined),
  edge: (place, size) => Math.max(0, Math.min(size - 1, place)),
  reflect: (place, size) => (place < 0 ? -place : place >= size ? 2 * size - 2 - place : place),
};

const pad: Evaluate = ([input, amounts, fill, axesInput], [output], node) => {
  const pads = intsAttribute(node, "pads") ?? integersIn(amounts?.values);
  const elementAt = PADDING[textAttribute(node, "mode", "constant")];
  if (input === undefined || pads === undefined || elementAt === undefined) return undefined;
  const before = input.shape.map(() => 0);
  const axes = axesOf(integersIn(axesInput?.values) ?? [...before.keys()], before.length);
  for (const [index, axis] of axes.entries()) before[axis] = pads[index]!;
  const strides = stridesOf(input.shape);
  let places: (number | undefined)[] = [0];
  for (const [axis, size] of output!.shape.entries()) {
    const own = Array.from({ length: size }, (_, place) => elementAt(place - before[axis]!, input.shape[axis]!));
    places = places.flatMap((outer) =>
      own.map((place) => (outer === undefined || place === undefined ? undefined : outer + place * strides[axis]!)),
    );
  }
  const filling = fill?.values[0] ?? floatAttribute(node, "value", 0);
  return [places.map((place) => (place === undefined ? filling : input.values[place]))];
};

/** Operators that move elements without calculating. */
export const MOVEMENT: Evaluators = {
  Identity: keep,
  Reshape: keep,
  Flatten: keep,
  Squeeze: keep,
  Unsqueeze: keep,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  GatherElements: gatherElements,
  ScatterND: scatterND,
  Pad: pad,
};
