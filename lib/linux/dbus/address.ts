/**
 * D-Bus specification, server addresses: the unix sockets that a list of addresses names, as paths; an abstract one
 * begins with NUL. Other transports are passed over.
 */
export function socketsOf(addresses: string): readonly string[] {
  return addresses.split(";").flatMap((address) => {
    const [transport, list = ""] = [address.slice(0, address.indexOf(":")), address.slice(address.indexOf(":") + 1)];
    if (transport !== "unix") return [];
    const values = new Map(list.split(",").map((entry) => split(entry)));
    const path = values.get("path");
    const abstract = values.get("abstract");
    if (path !== undefined) return [path];
    return abstract === undefined ? [] : [`\0${abstract}`];
  });
}

function split(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return [entry.slice(0, at), unescapeValue(entry.slice(at + 1))];
}

/** Bytes that are not plain stand as `%` and two hexadecimal digits. */
function unescapeValue(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text[at] === "%" ? Number.parseInt(text.slice(at + 1, at + 3), 16) : Number.NaN;
    if (Number.isNaN(code)) bytes.push(...new TextEncoder().encode(text[at]));
    else {
      bytes.push(code);
      at += 2;
    }
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
