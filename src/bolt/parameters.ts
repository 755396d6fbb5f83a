import { BoltqError } from "../io/error.ts";
import { BOLT_DATA_TYPES, dataTypeNumber } from "./data-type.ts";
import { enumerationName, enumerationNumber, isEnumeration } from "./enumerations.ts";
import {
  maximumDimensions,
  type ParameterName,
  type PlacedField,
  type StructLayout,
  structOf,
} from "./parameter-layouts.ts";
import type { BoltTensorDescription } from "./tensor-description.ts";
import type { BoltVersion } from "./version.ts";

/** What a field may hold: enumerations as their names (numbers where a name is lacking), bool as 0 or 1. */
export type ParameterValue = number | string | readonly number[] | BoltTensorDescription;

/** Values of some fields, by name; what is undefined is not set. */
export type ParameterValues = Readonly<Partial<Record<ParameterName, ParameterValue | undefined>>>;

/**
 * The parameter struct of one operator. The bytes of the file are the truth, padding and unused array places included,
 * so that what was read can be written back; fields are read and set by Bolt's own names.
 */
export class Parameters {
  readonly layout: StructLayout;
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  /** @param bytes the struct as it stands in a file of the layout's version; it is owned, not copied */
  constructor(layout: StructLayout, bytes: Uint8Array) {
    this.layout = layout;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Parameters of `operator`, all zero but for `values`. */
  static of(operator: string, version: BoltVersion, values: ParameterValues = {}): Parameters {
    const layout = structOf(operator, version);
    const parameters = new Parameters(layout, new Uint8Array(layout.size));
    for (const [name, value] of Object.entries(values)) {
      if (value !== undefined) parameters.set(name as ParameterName, value);
    }
    return parameters;
  }

  /** Names of the fields, in file order. */
  get names(): ParameterName[] {
    return [...this.layout.fields.keys()];
  }

  /** Whether the operator has the field in files of this version. */
  has(name: ParameterName): boolean {
    return this.layout.fields.has(name);
  }

  /** A numeric field; an enumeration gives its number. */
  number(name: ParameterName): number {
    const field = this.#field(name);
    return this.#element(field, field.offset);
  }

  /** Several numeric fields. */
  numbers(...names: ParameterName[]): number[] {
    return names.map((name) => this.number(name));
  }

  /** All elements of an array field. */
  list(name: ParameterName): number[] {
    const field = this.#field(name);
    return Array.from({ length: field.count }, (_, index) => this.#element(field, field.offset + index * field.size));
  }

  /** The first elements of an array field, as many as field `countName` says (at most all). */
  counted(name: ParameterName, countName: ParameterName): number[] {
    return this.list(name).slice(0, Math.max(0, this.number(countName)));
  }

  /** A char array up to its first zero. */
  text(name: ParameterName): string {
    const characters = this.list(name);
    const end = characters.indexOf(0);
    return String.fromCharCode(...characters.slice(0, end < 0 ? undefined : end).map((code) => code & 0xff));
  }

  /** An enumeration's value by name; throws `format` for a number that has none. */
  name(field: ParameterName): string {
    const value = this.value(field);
    if (typeof value === "string") return value;
    throw new BoltqError("format", `the parameter "${field}" has the unknown value ${JSON.stringify(value)}`, {
      subject: `operator type ${this.layout.operator}`,
    });
  }

  /** A field that describes a tensor. Throws where there is no such field. */
  description(name: ParameterName): BoltTensorDescription {
    return readDescription(this.#view, this.#field(name).offset, this.layout.version);
  }

  /** The field as plain data, for printing and comparing. */
  value(name: ParameterName): ParameterValue {
    const field = this.#field(name);
    if (field.kind === "TensorDesc") return this.description(name);
    if (field.kind === "char") return this.text(name);
    if (field.count > 1) return this.list(name);
    const number = this.number(name);
    return isEnumeration(field.kind) ? (enumerationName(field.kind, number) ?? number) : number;
  }

  /** Sets a field. Shorter arrays leave the remaining places alone. Floats are rounded to float32. */
  set(name: ParameterName, value: ParameterValue): void {
    const field = this.#field(name);
    if (field.kind === "TensorDesc") {
      writeDescription(this.#view, field.offset, value as BoltTensorDescription, this.layout.version);
    } else if (field.kind === "char" && typeof value === "string") {
      this.bytes.fill(0, field.offset, field.offset + field.count);
      for (let index = 0; index < value.length; index++) this.bytes[field.offset + index] = value.charCodeAt(index);
    } else {
      elementsOf(field, value).forEach((element, index) => {
        this.#setElement(field, field.offset + index * field.size, element);
      });
    }
  }

  /** A copy that can be changed alone. */
  clone(): Parameters {
    return new Parameters(this.layout, this.bytes.slice());
  }

  /**
   * The same parameters as a file of `version` states them; a field that was not there means what old files mean. Throws
   * BoltqError `unsupported` for a description of a tensor that was not there.
   */
  toVersion(version: BoltVersion): Parameters {
    const layout = structOf(this.layout.operator, version);
    if (layout.version === this.layout.version) return this;
    const converted = new Parameters(layout, new Uint8Array(layout.size));
    for (const field of layout.fields.values()) {
      const old = this.layout.fields.get(field.name);
      if (old === undefined && field.kind === "TensorDesc")
        throw new BoltqError("unsupported", `files of version ${this.layout.version} do not say "${field.name}"`, {
          subject: `an operator ${this.layout.operator}`,
          remedy: "Convert the original model again",
        });
      else if (old === undefined)
        converted.set(field.name, field.count > 1 ? Array(field.count).fill(field.absent) : field.absent);
      else if (old.kind === field.kind && old.size === field.size) converted.bytes.set(this.#raw(old), field.offset);
      else
        converted.set(field.name, field.kind === "TensorDesc" ? this.description(field.name) : this.number(field.name));
    }
    return converted;
  }

  #raw(field: PlacedField): Uint8Array {
    return this.bytes.subarray(field.offset, field.offset + field.size * field.count);
  }

  #field(name: ParameterName): PlacedField {
    const field = this.layout.fields.get(name);
    if (field !== undefined) return field;
    throw new BoltqError("format", `there is no parameter "${name}" in version ${this.layout.version}`, {
      subject: `operator type ${this.layout.operator}`,
    });
  }

  #element(field: PlacedField, offset: number): number {
    switch (field.kind) {
      case "f32":
        return this.#view.getFloat32(offset, true);
      case "i32":
        return this.#view.getInt32(offset, true);
      case "bool":
        return this.#view.getUint8(offset);
      case "char":
      case "i8":
        return this.#view.getInt8(offset);
      default:
        return this.#view.getUint32(offset, true);
    }
  }

  #setElement(field: PlacedField, offset: number, value: number): void {
    if (field.kind === "f32") this.#view.setFloat32(offset, value, true);
    else if (field.size === 1) this.#view.setInt8(offset, value);
    else this.#view.setInt32(offset, value, true);
  }
}

/** Characters of a wrong value that a message shows. */
const MOST_STATED = 80;

function elementsOf(field: PlacedField, value: ParameterValue): readonly number[] {
  if (typeof value === "number") return [value];
  if (Array.isArray(value) && value.length <= field.count) return value;
  const number =
    typeof value === "string" && isEnumeration(field.kind) ? enumerationNumber(field.kind, value) : undefined;
  if (number !== undefined) return [number];
  const stated = Array.isArray(value) ? `a list of ${value.length}` : JSON.stringify(value).slice(0, MOST_STATED);
  throw new BoltqError("invalid-data", `${stated} is no value for the parameter "${field.name}"`);
}

/** Reads a TensorDesc struct. Throws `format` when it claims more dimensions than it has room for. */
export function readDescription(view: DataView, offset: number, version: BoltVersion): BoltTensorDescription {
  const dataType = BOLT_DATA_TYPES[view.getUint32(offset, true)];
  const count = view.getUint32(offset + 8, true);
  const room = maximumDimensions(version);
  if (dataType === undefined || count > room) {
    throw new BoltqError(
      "format",
      `a tensor description is not valid (data type ${view.getUint32(offset, true)}, ${count} dimensions)`,
    );
  }
  const places = Array.from({ length: room }, (_, index) => view.getUint32(offset + 12 + 4 * index, true));
  const unused = places.slice(count);
  return {
    dataType,
    dataFormat: view.getUint32(offset + 4, true),
    dimensions: places.slice(0, count),
    ...(unused.some((place) => place !== 0) ? { unused } : {}),
  };
}

/** Writes a TensorDesc struct; places beyond the dimensions get what `unused` says, else zeros. */
export function writeDescription(
  view: DataView,
  offset: number,
  { dataType, dataFormat, dimensions, unused = [] }: BoltTensorDescription,
  version: BoltVersion,
): void {
  const room = maximumDimensions(version);
  if (dimensions.length > room) {
    throw new BoltqError("unsupported", `${dimensions.length} dimensions are more than version ${version} can state`);
  }
  view.setUint32(offset, dataTypeNumber(dataType), true);
  view.setUint32(offset + 4, dataFormat, true);
  view.setUint32(offset + 8, dimensions.length, true);
  for (let index = 0; index < room; index++) {
    view.setUint32(offset + 12 + 4 * index, dimensions[index] ?? unused[index - dimensions.length] ?? 0, true);
  }
}

/** Bytes of a TensorDesc struct. */
export function descriptionSize(version: BoltVersion): number {
  return 12 + 4 * maximumDimensions(version);
}
