/** Prometheus, exposition formats: one value, and what it is of. */
export interface Sample {
  /** What follows the name of its family, e.g. `_bucket`. */
  readonly suffix?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All values of one name. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/** The media type of what {@link renderFamilies} gives. */
export const TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Prometheus, text format: a family is one block, whoever has contributed to it; one without values is left out. */
export function renderFamilies(families: readonly Family[]): string {
  const blocks = new Map<string, string[]>();
  for (const { name, help, type, samples } of families) {
    if (samples.length === 0) continue;
    const lines = blocks.get(name) ?? [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`];
    for (const { suffix = "", labels, value } of samples) {
      lines.push(`${name}${suffix}${renderLabels(labels)} ${renderValue(value)}`);
    }
    blocks.set(name, lines);
  }
  return [...blocks.values()].flatMap((lines) => lines.map((line) => `${line}\n`)).join("");
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function renderValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}
