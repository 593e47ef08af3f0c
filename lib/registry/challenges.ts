/** RFC 9110 § 11.3: what a server says that it wants. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"';
const SCHEME = new RegExp(`\\s*,*\\s*(${TOKEN})(?=\\s|,|$)`, "y");
const PARAMETER = new RegExp(`\\s*,?\\s*(${TOKEN})\\s*=\\s*(?:${QUOTED}|(${TOKEN}))`, "y");

/** WWW-Authenticate: the challenges of one header, or of several joined by commas; what cannot be read ends it. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  for (let at = 0; at < header.length; ) {
    SCHEME.lastIndex = at;
    const [whole = "", scheme = ""] = SCHEME.exec(header) ?? [];
    if (scheme === "") break;
    at += whole.length;
    const parameters = new Map<string, string>();
    for (;;) {
      PARAMETER.lastIndex = at;
      const found = PARAMETER.exec(header);
      if (found === null) break;
      const [text, name = "", quoted, plain = ""] = found;
      parameters.set(name.toLowerCase(), quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1"));
      at += text.length;
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return challenges;
}
