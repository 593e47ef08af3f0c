import { ContainerError } from "../../lib/errors.ts";
import type { Mount } from "../../lib/spec/config.ts";
import { absolutePath } from "../path.ts";

/** What `--volume` and `--mount` mount: something of the host, or a volume; one without a name is made for the container. */
export type VolumeFlag =
  | {
      readonly kind: "bind";
      readonly mount: Mount;
      /** A source that is not there is made, as a directory. */
      readonly isMade: boolean;
    }
  | { readonly kind: "tmpfs"; readonly mount: Mount }
  | {
      readonly kind: "volume";
      readonly name: string | undefined;
      readonly target: string;
      readonly options: readonly string[];
      readonly isFilled: boolean;
    };

const OPTIONS: readonly string[] = [
  ...["ro", "rw", "nosuid", "nodev", "noexec", "private", "rprivate", "shared", "rshared", "slave", "rslave"],
];
/** SELinux labels, which are not set, and what docker has for hosts that are no Linux. */
const WITHOUT_EFFECT: readonly string[] = ["z", "Z", "cached", "consistent", "delegated"];
const NO_COPY = "nocopy";

/**
 * `SOURCE:TARGET[:OPTIONS]`, as docker has it: a source with a slash is a path, of which a relative one is in the current
 * directory, one without is the name of a volume; a target alone is a volume without a name. @throws {ContainerError}
 */
export function parseVolume(given: string, cwd: string): VolumeFlag {
  const wrong = (why: string) => new ContainerError("invalid_argument", `--volume ${given}: ${why}`);
  const parts = given.split(":");
  const [source, target = "", options = "", rest] = parts.length === 1 ? ["", ...parts] : parts;
  if (rest !== undefined) throw wrong("must be SOURCE:TARGET[:OPTIONS]");
  if (!target.startsWith("/")) throw wrong("its target must be absolute");
  const destination = absolutePath("/", target);
  if (destination === "/") throw wrong("its target must not be the root");
  const words = options.split(",").filter((word) => word !== "" && !WITHOUT_EFFECT.includes(word));
  const kept = words.filter((word) => word !== NO_COPY);
  const unknown = kept.find((word) => !OPTIONS.includes(word));
  if (unknown !== undefined) throw wrong(`option ${unknown} must be one of ${[...OPTIONS, NO_COPY].join(", ")}`);
  const hasPropagation = kept.some((word) => /^r?(?:private|shared|slave)$/.test(word));
  const mountOptions = ["rbind", ...(hasPropagation ? [] : ["rprivate"]), ...kept];
  if (source === "" && parts.length > 1) throw wrong("must be SOURCE:TARGET[:OPTIONS]");
  if (source === "" || (source !== undefined && isName(source))) {
    const isFilled = !words.includes(NO_COPY);
    return { kind: "volume", name: source || undefined, target: destination, options: mountOptions, isFilled };
  }
  const path = absolutePath(cwd, source ?? "");
  return { kind: "bind", mount: { destination, type: "bind", source: path, options: mountOptions }, isMade: true };
}

/** What has no slash is no path, but for `.` and `..`. */
function isName(source: string): boolean {
  return !source.includes("/") && source !== "." && source !== "..";
}
