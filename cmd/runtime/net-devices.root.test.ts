import { expect } from "chai";
import type { NetDevice } from "../../lib/spec/config.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { type Outcome, startProgram, TSRUN } from "../../lib/testing/runtime-program.ts";
import type { Site } from "../../lib/testing/runtime-site.ts";

/** A network namespace of the test's own, with a pair of devices: all of it goes with its last process. */
const PREPARE = [
  "ip link set lo up",
  "ip link add veth0 type veth peer name veth1",
  "ip addr add 192.0.2.7/24 brd 192.0.2.255 dev veth0",
  "ip addr add 2001:db8::7/64 dev veth0 nodad",
  "ip addr add 2001:db8::8/64 dev veth0 nodad valid_lft 1000 preferred_lft 1000",
  "ip link set veth1 up",
  "ip link set veth0 up",
].join(" && ");

interface Move {
  readonly devices: Readonly<Record<string, NetDevice>>;
  /** Run beside, in the runtime's network namespace, when the container has ended or was refused. */
  readonly after?: string;
  readonly inUserNamespace?: boolean;
  readonly join?: string;
}

/** Runs a container that prints its devices and their addresses. */
async function run(site: Site, { devices, after = "true", inUserNamespace = false, join }: Move): Promise<Outcome> {
  const mappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
  const bundle = site.bundle(["busybox", "ip", "-o", "addr"], ({ linux, ...config }) => ({
    ...config,
    linux: {
      ...linux,
      netDevices: devices,
      ...(inUserNamespace ? { uidMappings: mappings, gidMappings: mappings } : {}),
      namespaces: [
        ...(linux.namespaces ?? []).filter(({ type }) => type !== "network"),
        { type: "network", ...(join === undefined ? {} : { path: join }) },
        ...(inUserNamespace ? [{ type: "user" }] : []),
      ],
    },
  }));
  const script = `${PREPARE} && "$@"; status=$?; ${after}; exit $status`;
  const words = [TSRUN, "--root", site.root, "run", "--bundle", bundle, "web"];
  return await startProgram(["unshare", "--net", "sh", "-c", script, "sh", ...words]).outcome;
}

/** `device address` of each line of `ip -o addr` that is of global scope. */
function globalAddresses(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line.includes("scope global"))
    .map((line) => line.split(/ +/))
    .map(([, device = "", , address = ""]) => `${device} ${address}`)
    .sort();
}

const ADDRESSES = ["192.0.2.7/24", "2001:db8::7/64"];

describe("linux.netDevices", () => {
  const checked = useSite();

  for (const inUserNamespace of [false, true]) {
    it(
      `moves devices with their permanent global addresses${inUserNamespace ? ", to a user namespace" : ""}`,
      checked(async (site) => {
        const devices = { veth0: { name: "eth0" }, veth1: {} };
        const { status, stdout, stderr } = await run(site, { devices, inUserNamespace, after: "ip -o link" });
        expect({ status, stderr }).to.deep.equal({ status: 0, stderr: "" });
        expect(globalAddresses(stdout)).to.deep.equal(ADDRESSES.map((address) => `eth0 ${address}`));
        // Both ends have carrier: they are up.
        expect(stdout).to.match(/eth0 +inet6 fe80::/);
        expect(stdout).to.include("brd 192.0.2.255");
        expect(stdout).to.match(/veth1 +inet6 fe80::/);
        // What follows the container's output is what the runtime's namespace has left.
        expect(stdout).to.not.match(/veth0[:@]/);
      }),
    );
  }

  const LEFT = ["veth0 192.0.2.7/24", "veth0 2001:db8::7/64", "veth0 2001:db8::8/64"];
  const refusals: readonly { readonly name: string; readonly move: Move; readonly why: string }[] = [
    {
      name: "a device that is not there",
      move: { devices: { eth7: {} } },
      why: "cannot move the network device eth7 into the container (linux.netDevices.eth7): there is no such device",
    },
    {
      name: "a name that is taken",
      move: { devices: { veth0: { name: "lo" } } },
      why: "veth0 into the container as lo (linux.netDevices.veth0): the network namespace of the container has a device lo already",
    },
    {
      name: "a loopback device",
      move: { devices: { lo: { name: "lo1" } } },
      why: "(linux.netDevices.lo): a loopback device cannot leave its network namespace",
    },
    {
      name: "the runtime's own network namespace",
      move: { devices: { veth0: { name: "eth0" } }, join: "/proc/self/ns/net" },
      why: "(linux.netDevices.veth0): the network namespace of the container is that of the runtime",
    },
  ];
  for (const { name, move, why } of refusals) {
    it(
      `refuses ${name}, and leaves the device as it was`,
      checked(async (site) => {
        const { status, stdout, stderr } = await run(site, { ...move, after: "ip -o addr" });
        expect({ status, stderr: stderr.includes(why) }, stderr).to.deep.equal({ status: 1, stderr: true });
        expect(globalAddresses(stdout)).to.deep.equal(LEFT);
      }),
    );
  }

  it(
    "leaves a device with its addresses when the kernel will not move it",
    checked(async (site) => {
      const add = "ip addr add 192.0.2.9/24 dev br0 && ip addr add 2001:db8::9/64 dev br0 nodad";
      const bridge = `ip link add br0 type bridge && ${add} && ip link set br0 up`;
      const bundle = site.bundle(["true"], ({ linux, ...config }) => ({
        ...config,
        linux: { ...linux, netDevices: { br0: {} } },
      }));
      const script = `${bridge} && "$@"; status=$?; ip -o addr; ip -o link; exit $status`;
      const words = [TSRUN, "--root", site.root, "run", "--bundle", bundle, "web"];
      const { status, stdout, stderr } = await startProgram(["unshare", "--net", "sh", "-c", script, "sh", ...words])
        .outcome;
      const why =
        "cannot move br0: invalid argument (EINVAL): some kinds of device are bound to their network namespace";
      expect({ status, stderr: stderr.includes(why) }, stderr).to.deep.equal({ status: 1, stderr: true });
      expect(globalAddresses(stdout)).to.deep.equal(["br0 192.0.2.9/24", "br0 2001:db8::9/64"]);
      expect(stdout).to.match(/br0: <[^>]*\bUP\b/);
    }),
  );
});
