import { expect } from "chai";
import { refuseUnsupported } from "../plan/unsupported.ts";
import { describeFeatures } from "./features.ts";

interface Document {
  readonly mountOptions: readonly string[];
  readonly linux: {
    readonly namespaces: readonly string[];
    readonly seccomp: { readonly archs: readonly string[]; readonly actions: readonly string[] };
    readonly mountExtensions: { readonly idmap: { readonly enabled: boolean } };
  };
}

/** features.md: the fields these tests read. */
function describeBuild(): Document {
  return describeFeatures("x64", { ociVersionMax: "1.3.0", version: "1", commit: "c" }) as Document;
}

describe("describeFeatures()", () => {
  it("has what containerd and docker look for", () => {
    expect(describeBuild()).to.deep.include({ ociVersionMin: "1.0.0", ociVersionMax: "1.3.0" });
    expect(describeBuild().mountOptions).to.include.members(["rro", "rbind", "nosymfollow"]);
  });

  it("claims no mount option that create refuses", () => {
    for (const option of describeBuild().mountOptions) {
      const mounts = [{ destination: "/x", type: "tmpfs", source: "tmpfs", options: [option] }];
      const linux = { namespaces: [{ type: "mount" }] } as const;
      const config = { ociVersion: "1.3.0", root: { path: "r" }, mounts, linux };
      expect(() => refuseUnsupported(config), option).not.to.throw();
    }
  });

  it("says of id-mapped mounts the same at both places", () => {
    const { mountOptions, linux } = describeBuild();
    expect(mountOptions).to.include.members(["idmap", "ridmap"]);
    expect(linux.mountExtensions.idmap.enabled).to.equal(true);
  });

  it("lists the architectures a filter can be made for, sorted", () => {
    const { archs } = describeBuild().linux.seccomp;
    expect(archs).to.include.members(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64"]);
    expect(archs).not.to.include("SCMP_ARCH_S390X");
    expect(archs).to.deep.equal(archs.toSorted());
  });

  it("lists all eight namespaces", () => {
    expect(describeBuild().linux.namespaces).to.deep.equal([
      ...["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
    ]);
  });
});
