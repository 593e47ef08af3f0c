import type { ContainerState } from "../../lib/runtime/container-status.ts";

/** The state of a container as runc's `state` and `list` write it: same fields, same order. */
export function stateFields(state: ContainerState, owner: string): object {
  const { ociVersion, id, pid = 0, status, bundle, rootfs, created } = state;
  const annotations = sortedAnnotations(state.annotations);
  // A field that is undefined is left out.
  return { ociVersion, id, pid, status, bundle, rootfs, created, annotations, owner };
}

function sortedAnnotations(annotations: ContainerState["annotations"] = {}): object | undefined {
  const names = Object.keys(annotations);
  return names.length === 0 ? undefined : Object.fromEntries(names.sort().map((name) => [name, annotations[name]]));
}

const HTML_CHARACTERS = ["<", ">", "&", "\u2028", "\u2029"];

/** JSON as Go's encoding/json writes it: what could be taken for HTML is escaped. */
export function goJson(value: unknown, indent?: string): string {
  let json = JSON.stringify(value, null, indent);
  for (const character of HTML_CHARACTERS) {
    if (json.includes(character)) json = json.replaceAll(character, escapeCharacter(character));
  }
  return json;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
