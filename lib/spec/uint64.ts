const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

/** A uint64 of config.json as a bigint; what JSON.parse() rounded up to 2^64 becomes 2^64-1 again. */
export function toUint64(value: number): bigint {
  const exact = BigInt(value);
  return exact > MAX_UINT64 ? MAX_UINT64 : exact;
}
