/** failing.txt: `NAME: REASON` a line, `#` for remarks. @throws {Error} for a line without a reason */
export function parseFailing(text: string): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const at = line.lastIndexOf(": ");
    if (at < 0) throw new Error(`failing.txt: no reason in ${JSON.stringify(line)}`);
    entries.set(line.slice(0, at), line.slice(at + 2).trim());
  }
  return entries;
}
