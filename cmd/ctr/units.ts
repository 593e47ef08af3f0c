const SECOND_MS = 1000;
/** From the greatest down: what an age is counted in. */
const AGES: readonly (readonly [name: string, ms: number])[] = [
  ["year", 365 * 86_400 * SECOND_MS],
  ["month", 30 * 86_400 * SECOND_MS],
  ["week", 7 * 86_400 * SECOND_MS],
  ["day", 86_400 * SECOND_MS],
  ["hour", 3600 * SECOND_MS],
  ["minute", 60 * SECOND_MS],
  ["second", SECOND_MS],
];

/** `3 hours ago`. */
export function ageText(ms: number): string {
  const [name = "second", unit = SECOND_MS] = AGES.find(([, length]) => ms >= length) ?? [];
  const count = Math.max(0, Math.floor(ms / unit));
  return `${count} ${name}${count === 1 ? "" : "s"} ago`;
}

const SIZES = ["B", "kB", "MB", "GB", "TB", "PB"];
const BINARY_SIZES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes of a disk or a network, in powers of 1000, as docker says them: `1.23MB`. */
export function sizeText(bytes: number): string {
  return scaled(bytes, 1000, SIZES);
}

/** Bytes of memory, in powers of 1024: `1.5MiB`. */
export function memoryText(bytes: number): string {
  return scaled(bytes, 1024, BINARY_SIZES);
}

function scaled(bytes: number, step: number, units: readonly string[]): string {
  let value = bytes;
  let power = 0;
  while (value >= step && power < units.length - 1) {
    value /= step;
    power++;
  }
  // Three digits say enough.
  return `${power === 0 ? value : Number(value.toPrecision(3))}${units[power]}`;
}
