import type { LinuxDevice } from "../config.ts";
import type { Report, Rule } from "../rule.ts";

/** config-linux.md § Devices */
export const deviceRules: readonly Rule<readonly LinuxDevice[]>[] = [
  {
    reads: [""],
    check(devices, at, report) {
      for (const [index, device] of devices.entries()) {
        if (device.type !== "p") checkNumbers(device, `${at}/${index}`, report);
      }
    },
  },
  { reads: [""], check: checkDuplicates },
];

function checkNumbers(device: LinuxDevice, at: string, report: Report): void {
  for (const name of ["major", "minor"] as const) {
    if (device[name] !== undefined) continue;
    const problem = `must be an integer from 0 to 4294967295, since the type is "${device.type}"`;
    report(`${at}/${name}`, undefined, problem);
  }
}

function checkDuplicates(devices: readonly LinuxDevice[], at: string, report: Report): void {
  const first = new Map<string, string>();
  for (const [index, device] of devices.entries()) {
    const path = device.path.replaceAll(/\/+/g, "/");
    const node = nodeOf(device);
    const known = first.get(path);
    if (known === undefined) first.set(path, node);
    else if (known !== node) {
      report(`${at}/${index}/path`, device.path, `must not be listed again as another device than ${known}`);
    }
  }
}

function nodeOf({ type, major = 0, minor = 0 }: LinuxDevice): string {
  return type === "p" ? "a FIFO" : `${type === "u" ? "c" : type} ${major}:${minor}`;
}
