/** RFC 6901: appends one reference token to a pointer. */
export function pointerTo(parent: string, token: string | number): string {
  return `${parent}/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

const PLAIN_NAME = /^[A-Za-z_$][\w$]*$/;

/** A pointer as people write the property: `/mounts/3/options` → `mounts[3].options`. */
export function propertyPath(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((name, index) => {
      if (/^\d+$/.test(name)) return `[${name}]`;
      if (!PLAIN_NAME.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join("");
}
