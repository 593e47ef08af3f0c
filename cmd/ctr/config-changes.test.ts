import { expect } from "chai";
import { parseChange } from "./config-changes.ts";

describe("parseChange()", () => {
  const cases: readonly (readonly [string, object, object])[] = [
    ['CMD ["a", "b c"]', { Cmd: ["x"], User: "u" }, { Cmd: ["a", "b c"], User: "u" }],
    ["cmd echo hi", {}, { Cmd: ["/bin/sh", "-c", "echo hi"] }],
    ["ENTRYPOINT []", { Entrypoint: ["x"] }, { Entrypoint: [] }],
    ["ENV A=1", { Env: ["A=0", "B=2"] }, { Env: ["B=2", "A=1"] }],
    ['ENV A="x y"', {}, { Env: ["A=x y"] }],
    ["ENV A x y", {}, { Env: ["A=x y"] }],
    ["EXPOSE 80", { ExposedPorts: { "53/udp": {} } }, { ExposedPorts: { "53/udp": {}, "80/tcp": {} } }],
    ["LABEL a=b", { Labels: null }, { Labels: { a: "b" } }],
    ["USER 1:2", {}, { User: "1:2" }],
    ["WORKDIR /x", { WorkingDir: "/" }, { WorkingDir: "/x" }],
    ["STOPSIGNAL SIGINT", {}, { StopSignal: "SIGINT" }],
    ["VOLUME /a /b", {}, { Volumes: { "/a": {}, "/b": {} } }],
    ['VOLUME ["/a"]', {}, { Volumes: { "/a": {} } }],
  ];
  for (const [text, before, after] of cases) {
    it(`takes ${text}`, () => {
      expect(parseChange(text)({ ...before })).to.deep.equal(after);
    });
  }

  for (const text of ["RUN x", "CMD", "", "FROM x", "CMD [1]", "CMD [", "ENV =x", "constructor x"]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseChange(text)).to.throw(TypeError, /must be/);
    });
  }
});
