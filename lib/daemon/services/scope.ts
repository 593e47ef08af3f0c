import { ContainerError } from "../../errors.ts";
import type { CallContext } from "../../rpc/grpc/method.ts";
import { checkIdentifier, type Scope } from "../names.ts";

/** The namespace a call is about. @throws {ContainerError} failed_precondition, invalid_argument */
export function namespaceOf(context: CallContext): string {
  const namespace = context.header("containerd-namespace");
  if (namespace === undefined || namespace === "") {
    throw new ContainerError("failed_precondition", "namespace is required");
  }
  checkIdentifier("namespace", namespace);
  return namespace;
}

/** The namespace and the lease of a call. @throws {ContainerError} failed_precondition, invalid_argument */
export function scopeOf(context: CallContext): Scope {
  return { namespace: namespaceOf(context), lease: context.header("containerd-lease") };
}
