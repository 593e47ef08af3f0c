import { expect } from "chai";
import { Runc } from "../../lib/testing/runc-beside.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";

interface Probed {
  readonly probe: { readonly systemCalls: Readonly<Record<string, boolean>>; readonly namespaces: readonly string[] };
}

describe("tsrun features", () => {
  const checked = useSite();

  it(
    "prints runc's document: the same keys in the same order, four spaces, nothing on standard error",
    checked(async (site) => {
      const text = await site.ok("features");
      const ours = JSON.parse(text) as Record<string, object>;
      const theirs = JSON.parse(await new Runc(site).ok("features")) as Record<string, object>;
      expect(Object.keys(ours).filter((key) => key in theirs)).to.deep.equal(Object.keys(theirs));
      const linux = Object.keys(ours["linux"] ?? {});
      expect(linux.filter((key) => key in (theirs["linux"] ?? {}))).to.deep.equal(Object.keys(theirs["linux"] ?? {}));
      expect(ours["hooks"]).to.deep.equal(theirs["hooks"]);
      expect(text)
        .to.match(/^\{\n {4}"ociVersionMin": "1\.0\.0",\n/)
        .and.to.match(/\n\}\n$/);
      expect(text).not.to.include('"probe"');
    }),
  );

  it(
    "says with --probe what this kernel offers, which is all that the other tests here need",
    checked(async (site) => {
      const { probe } = JSON.parse(await site.ok("features", "--probe")) as Probed;
      expect(probe.systemCalls).to.deep.equal({
        openat2: true,
        mountSetattr: true,
        clone3: true,
        cloneIntoCgroup: true,
        pidfd: true,
      });
      expect(probe.namespaces).to.include.members(["mnt", "pid", "user"]);
    }),
  );
});
