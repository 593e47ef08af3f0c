import { expect } from "chai";
import { describe, it } from "mocha";
import { parseMount } from "./mount-flag.ts";

describe("parseMount()", () => {
  const bind = (source: string, ...options: readonly string[]) => {
    return { kind: "bind", mount: { destination: "/t", type: "bind", source, options }, isMade: false };
  };
  const volume = (name: string | undefined, ...options: readonly string[]) => {
    return { kind: "volume", name, target: "/t", options: ["rbind", "rprivate", ...options], isFilled: true };
  };
  const tmpfs = (...options: readonly string[]) => {
    const all = ["nosuid", "nodev", "noexec", ...options];
    return { kind: "tmpfs", mount: { destination: "/t", type: "tmpfs", source: "tmpfs", options: all } };
  };
  for (const [given, wanted] of [
    ["type=bind,source=/s,target=/t", bind("/s", "rbind", "rprivate")],
    ["target=/t/,ro,src=s/../x,type=bind", bind("/home/x", "rbind", "rprivate", "ro")],
    ["type=bind,src=.,dst=/t,bind-propagation=rshared,bind-recursive=disabled", bind("/home", "bind", "rshared")],
    ["type=volume,src=data,dst=/t", volume("data")],
    ["destination=/t,readonly=true", volume(undefined, "ro")],
    ["src=data,dst=/t,readonly=false,volume-nocopy", { ...volume("data"), isFilled: false }],
    ["type=tmpfs,dst=/t", tmpfs()],
    ["type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770,ro", tmpfs("size=1048576", "mode=1770", "ro")],
  ] as const) {
    it(`reads ${given}`, () => expect(parseMount(given, "/home")).to.deep.equal(wanted));
  }
  for (const [given, why] of [
    ["", 'there is no key ""'],
    ["/s:/t", 'there is no key "/s:/t": those of type volume are type, source'],
    ["constructor=x,dst=/t", 'there is no key "constructor"'],
    ["type=image,dst=/t", "type image must be one of bind, volume, tmpfs"],
    ["type=bind,source=/s", "needs target=PATH"],
    ["type=bind,dst=/t", "needs source=PATH"],
    ["type=bind,src=/s,dst=t", "target t must be absolute"],
    ["type=bind,src=/s,dst=/..", "its target must not be the root"],
    ["type=volume,src=/s,dst=/t", "source /s is a path: use type=bind"],
    ["type=tmpfs,src=x,dst=/t", "src is for type bind and volume, not for tmpfs"],
    ["dst=/t,target=/u", "target is there twice"],
    ["dst=/t,ro=maybe", "readonly=maybe must be true or false"],
    ["dst=/t,source", "source needs a value"],
    ["type=bind,src=/s,dst=/t,bind-propagation=x", "bind-propagation=x must be one of private"],
    ["type=bind,src=/s,dst=/t,bind-recursive=x", "bind-recursive=x must be enabled or disabled"],
    ["type=tmpfs,dst=/t,tmpfs-size=-1", "tmpfs-size=-1 must be a size such as 64m"],
    ["type=tmpfs,dst=/t,tmpfs-mode=9", "tmpfs-mode=9 must be octal"],
  ] as const) {
    it(`refuses ${given}`, () => expect(() => parseMount(given, "/")).to.throw(`--mount ${given}: ${why}`));
  }
});
