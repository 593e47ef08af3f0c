import { expect } from "chai";
import { BPF } from "../../linux/constants/seccomp.ts";
import { instructionCount, Program } from "./program.ts";
import { decodeProgram, encodeData, simulate } from "./simulate.ts";

const NR = 0;

function run(program: Program, nr: number): number {
  return simulate(decodeProgram(program.finish()), encodeData({ nr, arch: 0, args: [] })).value;
}

/** A chain of comparisons with the numbers below `length`, ending in `miss`; every number returns itself plus one. */
function chain(program: Program, length: number, miss: number): number {
  let next = program.ret(miss);
  for (let number = length - 1; number >= 0; number--) {
    next = program.branch(BPF.JEQ, number, program.ret(number + 1), next);
  }
  return next;
}

describe("Program", () => {
  it("shares returns that are near", () => {
    const program = new Program();
    const [first, second] = [program.ret(1), program.ret(1)];
    expect(first).to.equal(second);
    expect(program.count).to.equal(1);
  });

  it("leaves out nothing that a far branch needs", () => {
    const program = new Program();
    program.load(NR, chain(program, 1000, 7777));
    for (const nr of [0, 1, 254, 255, 256, 257, 511, 999]) expect(run(program, nr)).to.equal(nr + 1);
    expect(run(program, 1000)).to.equal(7777);
  });

  for (let distance = 250; distance < 260; distance++) {
    it(`reaches an instruction ${distance} further on, on either side of a branch`, () => {
      for (const swap of [false, true]) {
        const program = new Program();
        const far = program.load(NR, program.branch(BPF.JEQ, 1, program.ret(10), program.ret(11)));
        for (let filler = 0; filler < distance; filler++) program.ret(1000 + filler);
        const near = program.ret(5);
        const [yes, no] = swap ? [near, far] : [far, near];
        program.load(NR, program.branch(BPF.JGT, 0, yes, no));
        expect([0, 1, 2].map((nr) => run(program, nr))).to.deep.equal(swap ? [11, 5, 5] : [5, 10, 11]);
      }
    });
  }

  it("reaches targets that are too far for both sides of a branch", () => {
    const program = new Program();
    const far = program.load(NR, program.branch(BPF.JEQ, 1, program.ret(10), program.ret(11)));
    const other = program.load(NR, program.branch(BPF.JEQ, 2, program.ret(20), program.ret(21)));
    chain(program, 400, 1);
    program.load(NR, program.branch(BPF.JGT, 1, other, far));
    expect([0, 1, 2, 3].map((nr) => run(program, nr))).to.deep.equal([11, 10, 20, 21]);
  });

  it("goes on with an instruction that is not the next one", () => {
    const program = new Program();
    const target = program.branch(BPF.JEQ, 5, program.ret(1), program.ret(2));
    program.ret(3);
    program.load(NR, target);
    expect([4, 5].map((nr) => run(program, nr))).to.deep.equal([2, 1]);
  });

  it("takes as many instructions as the kernel", () => {
    const program = new Program();
    for (let value = 0; value < 4096; value++) program.ret(value);
    expect(instructionCount(program.finish())).to.equal(4096);
    program.ret(4096);
    expect(() => program.finish()).to.throw(
      "cannot compile the seccomp profile: 4097 instructions, a filter can have 4096",
    );
  });
});
