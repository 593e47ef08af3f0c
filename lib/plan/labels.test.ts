import { expect } from "chai";
import { ContainerError } from "../errors.ts";
import type { Process } from "../spec/config.ts";
import { SMALL_V2 } from "../testing/plan-host.ts";
import { needsSecurityModules, refuseLabels, refuseOtherLabel } from "./labels.ts";
import { mountLabelOf } from "./mount-label.ts";

const BASE = { ociVersion: "1.3.0", root: { path: "rootfs" } };

function host(apparmor: boolean, selinux: boolean) {
  return { ...SMALL_V2, securityModules: { apparmor, selinux } };
}

function processWith(properties: Partial<Process>): Process {
  return { cwd: "/", ...properties };
}

describe("refuseLabels()", () => {
  it("refuses what the host cannot enforce, in runc's and podman's words", () => {
    const profile = processWith({ apparmorProfile: "p" });
    expect(() => refuseLabels(profile, undefined, host(false, true)))
      .to.throw(ContainerError)
      .with.property(
        "message",
        'cannot apply AppArmor profile "p" by writing to `/proc/self/attr/apparmor/exec` (process.apparmorProfile): ' +
          "AppArmor is not enabled on this host",
      );
    const disabled = "selinux label is specified in config, but selinux is disabled or not supported";
    expect(() => refuseLabels(processWith({ selinuxLabel: "l" }), undefined, host(true, false))).to.throw(
      `${disabled} (process.selinuxLabel)`,
    );
    expect(() => refuseLabels(undefined, "l", host(true, false))).to.throw(`${disabled} (linux.mountLabel)`);
  });

  it("lets pass what it can, and a config without labels on any host", () => {
    expect(() => refuseLabels(processWith({ apparmorProfile: "p" }), undefined, host(true, false))).not.to.throw();
    expect(() => refuseLabels(processWith({ selinuxLabel: "l" }), "l", host(false, true))).not.to.throw();
    expect(() => refuseLabels(processWith({}), undefined, SMALL_V2)).not.to.throw();
  });
});

describe("needsSecurityModules()", () => {
  it("is true for each of the three labels, and for nothing else", () => {
    expect(needsSecurityModules({ process: processWith({ apparmorProfile: "p" }) })).to.equal(true);
    expect(needsSecurityModules({ process: processWith({ selinuxLabel: "p" }) })).to.equal(true);
    expect(needsSecurityModules({ linux: { mountLabel: "l" } })).to.equal(true);
    expect(needsSecurityModules({ process: processWith({}), linux: {} })).to.equal(false);
    expect(needsSecurityModules({})).to.equal(false);
  });
});

describe("refuseOtherLabel()", () => {
  const told = (which: number, text: string) => {
    const bytes = new Uint8Array(248);
    bytes[4] = which;
    bytes.set(new TextEncoder().encode(text).subarray(0, 240), 8);
    return bytes;
  };
  const taken: readonly (readonly [which: number, wanted: string, text: string])[] = [
    [1, "docker-default", "docker-default (enforce)\n"],
    [1, "p", "p (complain)\n"],
    [1, "a (b)", "a (b) (enforce)\n"],
    [1, "unconfined", "unconfined\n"],
    [1, ":ns:p", ":ns://p (enforce)\n"],
    [1, "a//&b", "b//&a (enforce)\n"],
    [1, "x".repeat(300), `${"x".repeat(300)} (enforce)\n`],
    [2, "u:r:container_t:s0:c2,c1", "u:r:container_t:s0:c1,c2\0"],
    [2, "u:r:t", "u:r:t"],
  ];
  for (const [which, wanted, text] of taken) {
    it(`takes ${JSON.stringify(text.slice(0, 40))} for ${wanted.slice(0, 40)}`, () => {
      const process = processWith(which === 1 ? { apparmorProfile: wanted } : { selinuxLabel: wanted });
      expect(() => refuseOtherLabel(told(which, text), process)).not.to.throw();
    });
  }
  const refused: typeof taken = [
    [1, "docker-default", ""],
    [1, "docker-default", "unconfined\n"],
    [1, "docker-default", "docker-default-2 (enforce)\n"],
    [1, "docker", "docker-default (enforce)\n"],
    [1, ":ns:p", "\n"],
    [2, "u:r:container_t:s0", ""],
    [2, "u:r:container_t:s0", "u:r:spc_t:s0\0"],
  ];
  for (const [which, wanted, text] of refused) {
    it(`refuses ${JSON.stringify(text)} for ${wanted}`, () => {
      const process = processWith(which === 1 ? { apparmorProfile: wanted } : { selinuxLabel: wanted });
      expect(() => refuseOtherLabel(told(which, text), process)).to.throw(
        ContainerError,
        `(process.${which === 1 ? "apparmorProfile" : "selinuxLabel"}): the kernel says it is `,
      );
    });
  }
});

describe("mountLabelOf()", () => {
  const withType = (type: string) => ({
    ...BASE,
    annotations: { "run.oci.mount_context_type": type },
    linux: { mountLabel: "l" },
  });
  it("is the option `context`, or that of crun's annotation", () => {
    expect(mountLabelOf({ ...BASE, linux: { mountLabel: "l" } })).to.deep.equal({ option: "context", label: "l" });
    expect(mountLabelOf(withType("rootcontext"))).to.deep.equal({ option: "rootcontext", label: "l" });
    expect(mountLabelOf(BASE)).to.equal(undefined);
  });

  it("refuses another option", () => {
    expect(() => mountLabelOf(withType("mode"))).to.throw(
      'annotations["run.oci.mount_context_type"]: "mode": must be one of "context", "defcontext"',
    );
  });
});
