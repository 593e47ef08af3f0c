import { expect } from "chai";
import { describe, it } from "mocha";
import { parseVolumeFilters } from "./volumes.ts";

const volume = (name: string, labels: Readonly<Record<string, string>> = {}) => {
  return { name, labels, mountpoint: `/v/${name}`, createdAt: undefined, isAnonymous: false };
};
const ALL = [volume("data", { tier: "db" }), volume("cache", { tier: "web", a: "" }), volume("data-old")];
const USERS = new Map([["data", ["db1"]]]);

describe("parseVolumeFilters()", () => {
  const cases: readonly (readonly [filters: readonly string[], names: readonly string[]])[] = [
    [[], ["data", "cache", "data-old"]],
    [["dangling=true"], ["cache", "data-old"]],
    [["dangling=0"], ["data"]],
    [["name=data"], ["data", "data-old"]],
    [["label=tier"], ["data", "cache"]],
    [["label=tier=web"], ["cache"]],
    [
      ["label=tier=db", "label=a"],
      ["data", "cache"],
    ],
    [["name=data", "dangling=true"], ["data-old"]],
  ];
  for (const [filters, names] of cases) {
    it(`finds by ${filters.join(" ") || "nothing"}`, () => {
      const isWanted = parseVolumeFilters(filters);
      expect(ALL.filter((each) => isWanted(each, USERS)).map(({ name }) => name)).to.deep.equal(names);
    });
  }
  for (const filter of ["dangling=perhaps", "dangling", "label=", "driver=local", ""]) {
    it(`refuses ${JSON.stringify(filter)}`, () => {
      expect(() => parseVolumeFilters([filter])).to.throw(`--filter ${filter}: must be dangling=true`);
    });
  }
});
