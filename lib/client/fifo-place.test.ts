import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { openKernel } from "../linux/kernel.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { FifoPlace } from "./fifo-place.ts";
import { makeFifos } from "./fifos.ts";

const kernel = openKernel();

describe("FifoPlace", () => {
  let folder: TemporaryDirectory;
  let root: string;

  beforeEach(() => {
    folder = new TemporaryDirectory();
    root = folder.at("fifo");
  });
  afterEach(() => folder[Symbol.dispose]());

  const fill = (place: FifoPlace) => makeFifos(kernel, place.directory, { hasInput: true, terminal: false });
  const names = () => readdirSync(root).filter((name) => !name.startsWith("."));

  it("of a client that has gone is removed by the next one", () => {
    {
      using lost = new FifoPlace(kernel, root);
      fill(lost);
    }
    expect(names()).to.have.length(1);
    using _ = new FifoPlace(kernel, root);
    expect(names()).to.deep.equal([]);
    expect(readdirSync(`${root}/.claims`)).to.have.length(1);
  });

  it("of a client that lives is left alone", () => {
    using living = new FifoPlace(kernel, root);
    fill(living);
    using _ = new FifoPlace(kernel, root);
    expect(existsSync(`${living.directory}/stdout`)).to.equal(true);
  });

  it("that a task has is left alone when its client has gone", () => {
    {
      using settled = new FifoPlace(kernel, root);
      fill(settled);
      settled.settle();
    }
    using _ = new FifoPlace(kernel, root);
    expect(names()).to.have.length(1);
  });

  it("may have links on the way to it", () => {
    mkdirSync(folder.at("elsewhere"));
    symlinkSync(folder.at("elsewhere"), root);
    {
      using lost = new FifoPlace(kernel, root);
      fill(lost);
    }
    using _ = new FifoPlace(kernel, root);
    expect(names()).to.deep.equal([]);
  });

  it("that was not made is nothing to remove", () => {
    {
      using _ = new FifoPlace(kernel, root);
    }
    expect(readdirSync(`${root}/.claims`)).to.deep.equal([]);
  });

  it("keeps what was not made by it", () => {
    mkdirSync(`${root}/.claims`, { recursive: true });
    writeFileSync(`${root}/.claims/odd`, "");
    mkdirSync(`${root}/odd/deep/er`, { recursive: true });
    using _ = new FifoPlace(kernel, root);
    expect(existsSync(`${root}/odd/deep/er`)).to.equal(true);
  });
});
