import { expect } from "chai";
import { compileFilters, entryOf, scalar } from "./match.ts";
import { parseFilter } from "./parse.ts";

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly other: string;
  readonly labels: ReadonlyMap<string, string>;
}

function entry(id: string, name: string, labels: Record<string, string> = {}, other = ""): Entry {
  return { id, name, other, labels: new Map(Object.entries(labels)) };
}

const ENTRIES: readonly Entry[] = [
  entry("a", "web", { tier: "front" }),
  entry("b", "db"),
  entry("c", "web", { tier: "back", "two words": "yes" }),
  entry("d", "db", { "containerd.io/gc.root": "2024-01-01T00:00:00Z" }),
  entry("e", "cache", { 'with \\ and "': "yes" }),
  entry("f", "cache", { 'with \\ and ".tail': "yes" }),
  entry("g", "queue", {}, "a, b and c"),
  entry("h", "queue", { tier: "omg_asdf.asdf-qwer" }, "cab"),
];

function read(object: Entry, fieldPath: readonly string[]): string | undefined {
  if (fieldPath[0] === "name") return scalar(object.name);
  if (fieldPath[0] === "other") return scalar(object.other);
  return fieldPath[0] === "labels" ? entryOf(object.labels, fieldPath) : undefined;
}

function matching(...filters: readonly string[]): string {
  return ENTRIES.filter(compileFilters(filters, read))
    .map((each) => each.id)
    .join("");
}

describe("compileFilters()", () => {
  for (const [filter, ids] of [
    ["", "abcdefgh"],
    ["name", "abcdefgh"],
    ["other", "gh"],
    ["nothing", ""],
    ["labels.tier", "ach"],
    ["labels.tier,name", "ach"],
    ["labels.tier==front", "a"],
    ["labels.tier == front", "a"],
    ["labels.tier==omg_asdf.asdf-qwer", "h"],
    ["name==db", "bd"],
    ["name!=db", "acefgh"],
    ["labels.tier!=front", "bcdefgh"],
    ["name==db,labels.tier", ""],
    ['other=="a, b and c"', "g"],
    ["other~=[abc]+,name!=web", "gh"],
    ["other~=/^[abc]{3,3}$/", "h"],
    ["other~=|^(cab\\|x)$|", "h"],
    ["other~=/\\bc\\b/", "g"],
    ["other~=/c\\/b/", ""],
    ['other~="^\\x63a"', "h"],
    ["other~=^$", "abcdef"],
    ["other~=(?i)CAB", "h"],
    ["other~=(?P<x>c)ab", "h"],
    ["other~=/^[[:lower:]]+\\z/", "h"],
    ['labels."two words"', "c"],
    ['labels."two words"==yes,name==web', "c"],
    ['labels."with \\\\ and \\""==yes', "e"],
    ['labels."with \\\\ and \\"".tail==yes', "f"],
    ['labels."containerd.io/gc.root"', "d"],
    ['labels.containerd."io/gc".root', "d"],
    ['"name"==db', "bd"],
    ["  name  ==  db  ", "bd"],
  ] as const) {
    it(`${JSON.stringify(filter)} matches ${JSON.stringify(ids)}`, () => {
      expect(matching(filter)).to.equal(ids);
    });
  }

  it("several are alternatives", () => {
    expect(matching("name==db", "labels.tier==front")).to.equal("abd");
  });

  it("none match everything", () => {
    expect(matching()).to.equal("abcdefgh");
  });
});

describe("parseFilter()", () => {
  for (const [filter, problem] of [
    ["name==web,", "expected a field name or a quoted one at character 11"],
    ["labels.", "expected a field name or a quoted one at character 8"],
    [",name", "expected a field name or a quoted one at character 1"],
    ["name==", "expected a value or a quoted one at character 7"],
    ["image~=,id", "expected a value or a quoted one at character 8"],
    ["name=web", 'unsupported operator "=" at character 6'],
    ["name===web", 'unsupported operator "===" at character 8'],
    ["name web", "expected an operator at character 6"],
    ["name==web db", "expected a comma at character 11"],
    ["labels.?x", "expected a field name or a quoted one at character 8"],
    ["labels.|x|==y", "only a regular expression may be quoted by | at character 8"],
    ["name==/x/", "only a regular expression may be quoted by / at character 7"],
    ["labels.ns/key==value", "expected an operator at character 10"],
    ["labels.key==/value", "quoted text is not terminated at character 13"],
    ['labels."a\nb"', "quoted text is not terminated at character 8"],
    ['labels."\\g"', "illegal escape sequence at character 10"],
    ['labels."\\xaz"', "illegal escape sequence at character 10"],
    ['labels."\\UFFFFFFFF"', "illegal escape sequence at character 10"],
    ["a\0b", "expected an operator at character 2"],
  ] as const) {
    it(`refuses ${JSON.stringify(filter)}`, () => {
      expect(() => parseFilter(filter))
        .to.throw(`invalid filter ${JSON.stringify(filter)}: ${problem}`)
        .with.property("code", "invalid_argument");
    });
  }

  for (const expression of ["(", "a(?=b)", "(?<!a)b", "(a)\\1", "x".repeat(2000)]) {
    it(`refuses the expression ${expression.slice(0, 20)}`, () => {
      expect(() => parseFilter(`name~="${expression.replaceAll("\\", "\\\\")}"`))
        .to.throw(/^invalid regular expression/)
        .with.property("code", "invalid_argument");
    });
  }

  it("refuses a very long one", () => {
    expect(() => parseFilter("a".repeat(20_000))).to.throw("it has more than 16384 characters");
  });
});
