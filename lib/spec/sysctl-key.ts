/**
 * sysctl.d(5): the names a sysctl key is made of, in the order of its path below /proc/sys. The first of "." and "/" in
 * the key separates; the other one stands for it inside a name: `net.ipv4.conf.eno2/100` is `net/ipv4/conf/eno2.100`.
 */
export function sysctlNames(key: string): string[] {
  const [dot, slash] = [key.indexOf("."), key.indexOf("/")];
  if (slash !== -1 && (dot === -1 || slash < dot)) return key.split("/");
  const names = key.split(".");
  return slash === -1 ? names : names.map((name) => name.replaceAll("/", "."));
}
