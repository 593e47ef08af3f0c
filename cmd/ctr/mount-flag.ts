import { ContainerError } from "../../lib/errors.ts";
import { absolutePath } from "../path.ts";
import { parseSize } from "../size.ts";
import type { VolumeFlag } from "./volume-flag.ts";

/** The keys of `--mount`, by what they mean, in docker's spellings; and for which types they are. */
const KEYS: Readonly<Record<string, readonly [key: Key, types: readonly string[]]>> = {
  type: ["type", ["bind", "volume", "tmpfs"]],
  source: ["source", ["bind", "volume"]],
  src: ["source", ["bind", "volume"]],
  target: ["target", ["bind", "volume", "tmpfs"]],
  destination: ["target", ["bind", "volume", "tmpfs"]],
  dst: ["target", ["bind", "volume", "tmpfs"]],
  readonly: ["readonly", ["bind", "volume", "tmpfs"]],
  ro: ["readonly", ["bind", "volume", "tmpfs"]],
  "bind-propagation": ["propagation", ["bind"]],
  "bind-recursive": ["recursive", ["bind"]],
  "volume-nocopy": ["nocopy", ["volume"]],
  "tmpfs-size": ["size", ["tmpfs"]],
  "tmpfs-mode": ["mode", ["tmpfs"]],
};

type Key = "type" | "source" | "target" | "readonly" | "propagation" | "recursive" | "nocopy" | "size" | "mode";
type Values = Partial<Record<Key, string>>;
type Fault = (why: string) => ContainerError;

const TYPES = ["bind", "volume", "tmpfs"];
const PROPAGATIONS = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/** `type=bind,source=PATH,target=PATH[,readonly]…`, as docker has it; a volume without a type. @throws {ContainerError} */
export function parseMount(given: string, cwd: string): VolumeFlag {
  const wrong: Fault = (why) => new ContainerError("invalid_argument", `--mount ${given}: ${why}`);
  const values = parseValues(given, wrong);
  const { type = "volume", source = "", target } = values;
  if (target === undefined || target === "") throw wrong("needs target=PATH, where it is in the container");
  if (!target.startsWith("/")) throw wrong(`target ${target} must be absolute`);
  const destination = absolutePath("/", target);
  if (destination === "/") throw wrong("its target must not be the root");
  const isReadOnly = flag(values.readonly, "readonly", wrong);
  const access = isReadOnly ? ["ro"] : [];
  if (type === "tmpfs") {
    const options = ["nosuid", "nodev", "noexec", ...tmpfsOptions(values, wrong), ...access];
    return { kind: "tmpfs", mount: { destination, type: "tmpfs", source: "tmpfs", options } };
  }
  const options = [...bindOptions(values, wrong), ...access];
  if (type === "volume") {
    if (source.includes("/")) throw wrong(`source ${source} is a path: use type=bind, or the name of a volume`);
    const isFilled = !flag(values.nocopy, "volume-nocopy", wrong);
    return { kind: "volume", name: source || undefined, target: destination, options, isFilled };
  }
  if (source === "") throw wrong("needs source=PATH, what of the host is mounted");
  return {
    kind: "bind",
    mount: { destination, type: "bind", source: absolutePath(cwd, source), options },
    isMade: false,
  };
}

function parseValues(given: string, wrong: Fault): Values {
  const values: Values = {};
  const type = /(?:^|,)type=([^,]*)/.exec(given)?.[1] ?? "volume";
  if (!TYPES.includes(type)) throw wrong(`type ${type} must be one of ${TYPES.join(", ")}`);
  for (const field of given.split(",")) {
    const [key, value] = parseField(field, type, wrong);
    if (values[key] !== undefined) throw wrong(`${key} is there twice`);
    values[key] = value;
  }
  return values;
}

function parseField(field: string, type: string, wrong: Fault): readonly [Key, string] {
  const equals = field.indexOf("=");
  const name = equals < 0 ? field : field.slice(0, equals);
  const known = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
  if (known === undefined) {
    const usable = Object.keys(KEYS).filter((each) => KEYS[each]?.[1].includes(type));
    throw wrong(`there is no key ${JSON.stringify(name)}: those of type ${type} are ${usable.join(", ")}`);
  }
  const [key, types] = known;
  if (!types.includes(type)) throw wrong(`${name} is for type ${types.join(" and ")}, not for ${type}`);
  if (equals < 0 && key !== "readonly" && key !== "nocopy") throw wrong(`${name} needs a value`);
  return [key, equals < 0 ? "true" : field.slice(equals + 1)];
}

function flag(value: string | undefined, name: string, wrong: Fault): boolean {
  if (value === undefined || value === "false" || value === "0") return false;
  if (value === "true" || value === "1") return true;
  throw wrong(`${name}=${value} must be true or false`);
}

function bindOptions({ propagation = "rprivate", recursive = "enabled" }: Values, wrong: Fault): readonly string[] {
  if (!PROPAGATIONS.includes(propagation)) {
    throw wrong(`bind-propagation=${propagation} must be one of ${PROPAGATIONS.join(", ")}`);
  }
  if (recursive !== "enabled" && recursive !== "disabled") {
    throw wrong(`bind-recursive=${recursive} must be enabled or disabled`);
  }
  return [recursive === "enabled" ? "rbind" : "bind", propagation];
}

function tmpfsOptions({ size, mode }: Values, wrong: Fault): readonly string[] {
  if (mode !== undefined && !/^[0-7]{1,5}$/.test(mode)) throw wrong(`tmpfs-mode=${mode} must be octal, e.g. 1770`);
  return [
    ...(size === undefined ? [] : [`size=${bytes(size, wrong)}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
}

function bytes(size: string, wrong: Fault): number {
  try {
    const parsed = parseSize(size);
    if (parsed > 0) return parsed;
  } catch {
    // It is told below what it must be.
  }
  throw wrong(`tmpfs-size=${size} must be a size such as 64m`);
}
