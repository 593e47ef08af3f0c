/** A value of D-Bus; what its type is, a signature beside it says. Structs and entries of dictionaries are arrays. */
export type BusValue = number | bigint | boolean | string | Variant | readonly BusValue[];

/** D-Bus specification, VARIANT: a value that carries its own signature. */
export interface Variant {
  readonly signature: string;
  readonly value: BusValue;
}

/** D-Bus specification, summary of types: the numbers, and the range of each. */
export const NUMBER_TYPES = {
  y: { min: 0n, max: 0xffn },
  n: { min: -0x8000n, max: 0x7fffn },
  q: { min: 0n, max: 0xffffn },
  i: { min: -0x8000_0000n, max: 0x7fff_ffffn },
  u: { min: 0n, max: 0xffff_ffffn },
  x: { min: -0x8000_0000_0000_0000n, max: 0x7fff_ffff_ffff_ffffn },
  t: { min: 0n, max: 0xffff_ffff_ffff_ffffn },
} as const;

/** The letter of a type of whole numbers. */
export type NumberType = keyof typeof NUMBER_TYPES;

/** Whether a signature is that of a whole number. */
export function isNumberType(signature: string): signature is NumberType {
  return Object.hasOwn(NUMBER_TYPES, signature);
}
