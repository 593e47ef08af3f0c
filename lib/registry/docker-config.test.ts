import { chmodSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { refusal } from "../testing/metadata.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { dockerConfig } from "./docker-config.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("dockerConfig()", () => {
  let folder: TemporaryDirectory;

  beforeEach(() => {
    folder = new TemporaryDirectory();
  });
  afterEach(() => folder[Symbol.dispose]());

  const find = (config: unknown, host: string) => {
    const file = folder.at("config.json");
    writeFileSync(file, typeof config === "string" ? config : JSON.stringify(config));
    const source = dockerConfig(file, { PATH: `${folder.path}:/usr/bin:/bin`, HOME: folder.path });
    return source({ host, reference: `${host}/a:1`, challenges: [] });
  };
  /** A helper that answers with `answer` for one name, and as real ones do for others. */
  const helper = (name: string, known: string, answer: string, status = 0) => {
    const file = folder.at(`docker-credential-${name}`);
    const script = `#!/bin/sh
[ "$1" = get ] || exit 9
read -r host
if [ "$host" = '${known}' ]; then printf '%s' '${answer}'; exit ${status}; fi
echo "credentials not found in native keychain"; exit 1
`;
    writeFileSync(file, script);
    chmodSync(file, 0o755);
  };

  it("knows nothing without a file", async () => {
    const source = dockerConfig(folder.at("none"), { PATH: "", HOME: "" });
    expect(await source({ host: "h", reference: "h/a", challenges: [] })).to.equal(undefined);
  });

  for (const [what, config, host, expected] of [
    [
      "an auth",
      { auths: { "h:5000": { auth: base64("ann:p:w") } } },
      "h:5000",
      { kind: "password", username: "ann", password: "p:w" },
    ],
    [
      "an address as key",
      { auths: { "https://h/v1/": { auth: base64("a:b") } } },
      "h",
      { kind: "password", username: "a", password: "b" },
    ],
    [
      "Docker's own registry",
      { auths: { "https://index.docker.io/v1/": { auth: base64("a:b") } } },
      "registry-1.docker.io",
      { kind: "password", username: "a", password: "b" },
    ],
    [
      "an identity token",
      { auths: { h: { auth: base64("a:b"), identitytoken: "t" } } },
      "h",
      { kind: "refresh", token: "t" },
    ],
    [
      "fields of their own",
      { auths: { h: { username: "a", password: "b" } } },
      "h",
      { kind: "password", username: "a", password: "b" },
    ],
    ["another port", { auths: { "h:5000": { auth: base64("a:b") } } }, "h:5001", undefined],
    ["nothing", {}, "h", undefined],
    ["an empty entry", { auths: { h: {} } }, "h", undefined],
  ] as const) {
    it(`finds ${what}`, async () => expect(await find(config, host)).to.deep.equal(expected));
  }

  it("asks the helper of a host", async () => {
    helper("test", "h:5000", '{"ServerURL":"h:5000","Username":"ann","Secret":"pw"}');
    const config = { credHelpers: { "h:5000": "test" }, credsStore: "missing" };
    expect(await find(config, "h:5000")).to.deep.equal({ kind: "password", username: "ann", password: "pw" });
  });

  it("asks the store, and looks into the file for what it does not know", async () => {
    helper("store", "h", '{"Username":"<token>","Secret":"t"}');
    const config = { credsStore: "store", auths: { h: {}, other: { auth: base64("a:b") } } };
    expect(await find(config, "h")).to.deep.equal({ kind: "refresh", token: "t" });
    expect(await find(config, "other")).to.deep.equal({ kind: "password", username: "a", password: "b" });
  });

  it("says what is wrong with a helper, and shows no secrets", async () => {
    helper("broken", "h", "keychain is locked", 1);
    helper("garbage", "h", '{"Secret":"geheim');
    const ask = (credsStore: string) => refusal(() => find({ credsStore }, "h"));
    expect(await ask("broken")).to.match(/docker-credential-broken: keychain is locked$/);
    expect(await ask("garbage")).to.match(/docker-credential-garbage: its answer is not whole$/);
    expect(await ask("missing")).to.match(/docker-credential-missing: it is not installed$/);
    expect(await ask("../../bin/sh")).to.match(/this is no name of a program$/);
  });

  it("shows nothing of a file that is broken", async () => {
    expect(await refusal(() => find('{"auths":{"h":{"auth":"geheim', "h"))).to.match(/config.json: it is no JSON$/);
    expect(await refusal(() => find({ auths: { h: { auth: base64("geheim") } } }, "h"))).to.match(
      /an auth has no password$/,
    );
  });
});
