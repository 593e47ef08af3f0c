import { ContainerError, explain } from "../errors.ts";
import { isErrno, readText, realDirectory } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { Config } from "../spec/config.ts";
import { parseConfig } from "../spec/parse-config.ts";
import type { RuntimeOptions } from "./options.ts";

/** A bundle whose config is valid. */
export interface Bundle {
  /** Absolute path. */
  readonly path: string;
  readonly config: Config;
  /** config.json as it was read. */
  readonly text: string;
  readonly warnings: readonly string[];
  /** The exact values, by pointer, of integers that `config` holds rounded. */
  readonly exact: ReadonlyMap<string, bigint>;
  /** Absolute path of the rootfs, without symbolic links. */
  readonly rootfs: string;
}

/** config.md and bundle.md. @throws {SpecError} {ContainerError} not_found for what is missing */
export function loadBundle(kernel: Kernel, path: string, mark?: RuntimeOptions["mark"]): Bundle {
  const text = readConfig(kernel, path);
  mark?.("read config");
  const { config, warnings, exact } = parseConfig(text);
  mark?.("parse and validate");
  const rootPath = config.root.path;
  const rootfs = resolveRootfs(kernel, rootPath.startsWith("/") ? rootPath : `${path}/${rootPath}`);
  mark?.("find rootfs");
  return { path, text, config, warnings, exact, rootfs };
}

/** The text of a bundle's config.json. @throws {ContainerError} */
export function readConfig(kernel: Kernel, bundle: string): string {
  const path = `${bundle}/config.json`;
  try {
    return readText(kernel, path);
  } catch (error) {
    throw isErrno(error, "ENOENT", "ENOTDIR") ? new ContainerError("not_found", explain(error)) : error;
  }
}

function resolveRootfs(kernel: Kernel, path: string): string {
  try {
    return realDirectory(kernel, path, `open rootfs ${path} (root.path)`);
  } catch (error) {
    throw isErrno(error, "ENOENT", "ENOTDIR") ? new ContainerError("invalid_argument", explain(error)) : error;
  }
}
