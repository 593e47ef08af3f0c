import { expect } from "chai";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { checkMemory, refuseUsedCgroups } from "./cgroup-checks.ts";

const WEB = "/sys/fs/cgroup/a/web";

describe("refuseUsedCgroups()", () => {
  const check = (mode: "v1" | "v2", files: Readonly<Record<string, string>>, directories: readonly string[]) => {
    const exists = Object.fromEntries(directories.map((directory) => [directory, []]));
    const answers = { readlinkat: (_: unknown, path: unknown) => (directories.includes(String(path)) ? -22 : -2) };
    const kernel = new FakeKernel({ files, directories: exists, answers });
    return () => refuseUsedCgroups(kernel, { mode, directories: [WEB], freezer: WEB });
  };

  it("takes what is not there, or empty", () => {
    expect(check("v2", {}, ["/sys/fs/cgroup"])).not.to.throw();
    expect(check("v2", { [`${WEB}/cgroup.procs`]: "", [`${WEB}/cgroup.events`]: "frozen 0\n" }, [WEB])).not.to.throw();
  });

  it("names the processes of others", () => {
    const why = `container's cgroup is not empty: ${WEB} holds 2 process(es): 4, 5`;
    expect(check("v2", { [`${WEB}/cgroup.procs`]: "4\n5\n" }, [WEB])).to.throw(why);
  });

  it("names what is frozen, the container's or one above", () => {
    const v2 = { [`${WEB}/cgroup.events`]: "populated 0\nfrozen 1\n" };
    expect(check("v2", v2, [WEB])).to.throw(`container's cgroup unexpectedly frozen: ${WEB}`);
    const above = { "/sys/fs/cgroup/a/cgroup.events": "frozen 1\n" };
    expect(check("v2", above, ["/sys/fs/cgroup/a"])).to.throw("unexpectedly frozen: /sys/fs/cgroup/a");
    expect(check("v1", { [`${WEB}/freezer.state`]: "FROZEN\n" }, [WEB])).to.throw("unexpectedly frozen");
    expect(check("v1", { [`${WEB}/freezer.state`]: "THAWED\n" }, [WEB])).not.to.throw();
  });
});

describe("checkMemory()", () => {
  const kernel = new FakeKernel({ files: { [`${WEB}/memory.current`]: "5000\n" } });
  const check =
    (memory: object, checkBeforeUpdate = true) =>
    () =>
      checkMemory(kernel, { mode: "v2", directories: [WEB] }, { memory: { checkBeforeUpdate, ...memory } });

  it("refuses a limit below what is in use", () => {
    expect(check({ limit: 4999 })).to.throw("linux.resources.memory.limit: rejecting memory limit 4999 < usage 5000");
    expect(check({ swap: 4999 })).to.throw("rejecting memory+swap limit 4999 < usage 5000");
  });

  it("takes what is not less, none, and all when it is not asked", () => {
    expect(check({ limit: 5000, swap: 5000 })).not.to.throw();
    expect(check({ limit: -1, swap: -1 })).not.to.throw();
    expect(check({ limit: 1 }, false)).not.to.throw();
  });
});
