import { expect } from "chai";
import { describe, it } from "mocha";
import { renderTable } from "./table.ts";

interface Item {
  readonly id: string;
  readonly image: string;
  readonly pid: number;
}

const COLUMNS = [
  { title: "ID", cell: ({ id }: Item) => id, canShrink: true },
  { title: "IMAGE", cell: ({ image }: Item) => image, canShrink: true },
  { title: "PID", cell: ({ pid }: Item) => (pid === 0 ? "" : String(pid)), isRight: true },
];

const ITEMS: readonly Item[] = [
  { id: "web", image: "registry.example.com/library/busybox:1.36", pid: 7 },
  { id: "a-long-name-of-a-container", image: "b", pid: 12345 },
  { id: "漢字", image: "\u001b[31mred", pid: 0 },
];

describe("renderTable()", () => {
  it("makes columns as wide as they have to be", () => {
    expect(renderTable(COLUMNS, ITEMS, undefined).split("\n")).to.deep.equal([
      "ID                          IMAGE                                        PID",
      "web                         registry.example.com/library/busybox:1.36      7",
      "a-long-name-of-a-container  b                                          12345",
      "漢字                        \\u001b[31mred                                  -",
      "",
    ]);
  });

  it("cuts the widest columns to the terminal's width", () => {
    const lines = renderTable(COLUMNS, ITEMS, 50).split("\n");
    expect(lines).to.deep.equal([
      "ID                    IMAGE                    PID",
      "web                   registry.example.com…      7",
      "a-long-name-of-a-co…  b                      12345",
      "漢字                  \\u001b[31mred              -",
      "",
    ]);
    expect(Math.max(...lines.map((line) => Bun.stringWidth(line)))).to.equal(50);
  });

  it("leaves columns a width that can be read", () => {
    expect(renderTable(COLUMNS, ITEMS, 1).split("\n")[2]).to.equal("a-long-…  b         12345");
  });

  it("shows titles alone when there is nothing", () => {
    expect(renderTable(COLUMNS, [], 80)).to.equal("ID  IMAGE  PID\n");
  });
});
