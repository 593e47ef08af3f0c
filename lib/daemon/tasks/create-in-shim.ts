import { ContainerError } from "../../errors.ts";
import type { Shim } from "./shim.ts";

/** Makes a task in its shim. Clients and their users know what comes after the words of the error. @throws {ContainerError} */
export async function createInShim(shim: Shim, request: Parameters<Shim["create"]>[0]) {
  try {
    return await shim.create(request);
  } catch (error) {
    throw createFailed(error);
  }
}

function createFailed(cause: unknown): ContainerError {
  const code = cause instanceof ContainerError ? cause.code : "internal";
  return new ContainerError(code, "failed to create shim task", { cause });
}
