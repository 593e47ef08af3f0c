/** Words that stand for nouns of commands. */
const NOUNS: Readonly<Record<string, string>> = {
  image: "images",
  i: "images",
  namespace: "namespaces",
  ns: "namespaces",
  lease: "leases",
  snapshot: "snapshots",
  volume: "volumes",
};

/** The noun that commands have, of one that stands for it. */
export function nounOf(word: string): string {
  return Object.hasOwn(NOUNS, word) ? (NOUNS[word] ?? word) : word;
}
