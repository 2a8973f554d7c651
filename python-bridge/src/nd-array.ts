import { invalidOption } from "@dspex/core";

/** The typed array that holds the elements of each type, by numpy's name of the type. */
interface NdArrayData {
  /** 0 and 1. */
  bool: Uint8Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  float32: Float32Array;
  float64: Float64Array;
}

export type NdArrayType = keyof NdArrayData;

/** A typed array whose elements can be those of an {@link NdArray}. */
export type NdArrayElements = NdArrayData[NdArrayType];

/**
 * An array of numbers with a shape: what Python knows as `numpy.ndarray`. Elements are in C order: the last index runs
 * fastest. `switch (array.dtype)` narrows `data`.
 */
export type NdArray = {
  readonly [T in NdArrayType]: {
    readonly dtype: T;
    /** The size of each dimension; empty for an array of one element and no dimensions. */
    readonly shape: readonly number[];
    readonly data: NdArrayData[T];
  };
}[NdArrayType];

/** The byte that stands for each type on the wire (`docs/protocol.md` §3), and the class of its elements. */
export const ndArrayTypes = {
  bool: { code: 1, elements: Uint8Array },
  int8: { code: 2, elements: Int8Array },
  uint8: { code: 3, elements: Uint8Array },
  int16: { code: 4, elements: Int16Array },
  uint16: { code: 5, elements: Uint16Array },
  int32: { code: 6, elements: Int32Array },
  uint32: { code: 7, elements: Uint32Array },
  int64: { code: 8, elements: BigInt64Array },
  uint64: { code: 9, elements: BigUint64Array },
  float32: { code: 10, elements: Float32Array },
  float64: { code: 11, elements: Float64Array },
} as const;

/** numpy's own limit. */
export const maxDimensions = 64;

const brand = Symbol.for("dspex.ndarray");

class ShapedArray {
  readonly dtype: NdArrayType;
  readonly shape: readonly number[];
  readonly data: NdArrayElements;
  readonly [brand] = true;

  constructor(dtype: NdArrayType, shape: readonly number[], data: NdArrayElements) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
    Object.freeze(this);
  }
}

/** Is `value` an {@link NdArray}, of this or of another copy of this package? */
export function isNdArray(value: unknown): value is NdArray {
  return typeof value === "object" && value !== null && brand in value;
}

/** The element type of a typed array, of any realm; `undefined` for what is none, or one that numpy does not know. */
export function elementTypeOf(value: unknown): NdArrayType | undefined {
  if (!ArrayBuffer.isView(value)) return undefined;
  const name = Object.prototype.toString.call(value).slice("[object ".length, -"]".length);
  return elementTypes[name];
}

const elementTypes: Readonly<Record<string, NdArrayType>> = {
  Int8Array: "int8",
  Uint8Array: "uint8",
  Uint8ClampedArray: "uint8",
  Int16Array: "int16",
  Uint16Array: "uint16",
  Int32Array: "int32",
  Uint32Array: "uint32",
  BigInt64Array: "int64",
  BigUint64Array: "uint64",
  Float32Array: "float32",
  Float64Array: "float64",
};

/**
 * Gives a typed array a shape, so that Python receives it as an array of these dimensions. The elements are not copied:
 * they must not change before the call that sends them has settled.
 *
 * @throws DspexError `ERR_INVALID_OPTION` when shape or type do not fit the elements.
 */
export function ndArray(
  data: NdArrayElements,
  options: {
    /** @default one dimension with all of the elements */
    readonly shape?: readonly number[];
    /** `"bool"` for a Uint8Array of 0 and 1. @default the type of the elements */
    readonly dtype?: "bool";
  } = {},
): NdArray {
  const elements = elementTypeOf(data);
  if (elements === undefined) throw invalidOption("data", data, "a typed array of numbers");
  const { shape = [data.length], dtype = elements } = options;
  if (dtype !== elements && (dtype !== "bool" || elements !== "uint8"))
    throw invalidOption("dtype", dtype, `"${elements}", the type of the elements`);
  if (!fits(shape, data.length))
    throw invalidOption(
      "shape",
      shape,
      `at most ${maxDimensions} whole numbers whose product is ${data.length}`,
    );
  return new ShapedArray(dtype, Object.freeze([...shape]), data) as NdArray;
}

function fits(shape: readonly number[], length: number): boolean {
  return (
    shape.length <= maxDimensions &&
    shape.every((size) => Number.isInteger(size) && size >= 0 && size < 2 ** 32) &&
    shape.reduce((product, size) => product * size, 1) === length
  );
}
