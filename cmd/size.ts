const POWERS: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** Docker's units.RAMInBytes: bytes, with a suffix such as k, MB or GiB of powers of 1024; -1 for unlimited. @throws {TypeError} */
export function parseSize(given: string): number {
  if (given === "-1") return -1;
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(given);
  const bytes = Math.floor(Number(match?.[1] ?? Number.NaN) * 1024 ** (POWERS[match?.[2]?.toLowerCase() ?? ""] ?? 0));
  if (!Number.isSafeInteger(bytes))
    throw new TypeError("must be a size such as 67108864, 64m or 1.5g, or -1 for unlimited");
  return bytes;
}
