type Json = Readonly<Record<string, unknown>>;
type Change = (config: Json) => Json;

/** docker commit --change: one instruction of a Dockerfile, of those that change nothing but the configuration. @throws {TypeError} */
export function parseChange(text: string): Change {
  const [, word = "", value = ""] = /^\s*(\w+)\s+([\s\S]*?)\s*$/.exec(text) ?? [];
  const name = word.toUpperCase();
  const change = Object.hasOwn(CHANGES, name) ? CHANGES[name] : undefined;
  if (change === undefined || value === "") {
    throw new TypeError(`${JSON.stringify(text)} must be one of ${Object.keys(CHANGES).join(", ")}, and its value`);
  }
  return change(value);
}

const CHANGES: Readonly<Record<string, (value: string) => Change>> = {
  CMD: (value) => set("Cmd", words(value)),
  ENTRYPOINT: (value) => set("Entrypoint", words(value)),
  ENV: (value) => {
    const variable = pair(value);
    return (config) => ({ ...config, Env: withVariable(texts(config["Env"]), variable) });
  },
  EXPOSE: (value) => (config) => ({
    ...config,
    ExposedPorts: { ...table(config["ExposedPorts"]), [value.includes("/") ? value : `${value}/tcp`]: {} },
  }),
  LABEL: (value) => {
    const [key, label] = pair(value);
    return (config) => ({ ...config, Labels: { ...table(config["Labels"]), [key]: label } });
  },
  STOPSIGNAL: (value) => set("StopSignal", value),
  USER: (value) => set("User", value),
  VOLUME: (value) => {
    const volumes = Object.fromEntries(words(value, " ").map((path) => [path, {}]));
    return (config) => ({ ...config, Volumes: { ...table(config["Volumes"]), ...volumes } });
  },
  WORKDIR: (value) => set("WorkingDir", value),
};

function set(key: string, value: unknown): Change {
  return (config) => ({ ...config, [key]: value });
}

/** A list in JSON as it is; other text is for a shell, or a list by a separator. @throws {TypeError} */
function words(value: string, separator?: string): readonly string[] {
  if (value.startsWith("[")) {
    const list = parseList(value);
    if (list?.every((each) => typeof each === "string") !== true) {
      throw new TypeError(`${JSON.stringify(value)} must be a list of texts in JSON`);
    }
    return list;
  }
  return separator === undefined ? ["/bin/sh", "-c", value] : value.split(separator).filter((each) => each !== "");
}

function parseList(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `KEY=VALUE`, or, as Dockerfiles once had it, `KEY VALUE`. @throws {TypeError} */
function pair(text: string): readonly [string, string] {
  const [, key = "", quoted, plain = ""] = /^([^\s=]+)(?:=|\s+)(?:"([^"]*)"|([\s\S]*))$/.exec(text) ?? [];
  if (key === "") throw new TypeError(`${JSON.stringify(text)} must be KEY=VALUE`);
  return [key, quoted ?? plain];
}

function withVariable(env: readonly string[], [key, value]: readonly [string, string]): readonly string[] {
  return [...env.filter((each) => !each.startsWith(`${key}=`)), `${key}=${value}`];
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function table(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
