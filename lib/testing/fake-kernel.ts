import { errnoNumber } from "../linux/constants/errno.ts";
import type { SyscallName } from "../linux/constants/syscalls.ts";
import type { Kernel, KernelArgument } from "../linux/kernel.ts";

/** What a fake kernel knows; everything else is ENOENT, every other system call ENOSYS. */
export interface FakeWorld {
  /** Path → text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Path → the names of the directories in it. */
  readonly directories?: Readonly<Record<string, readonly string[]>>;
  /** Path → `f_type` of statfs(2). */
  readonly filesystems?: Readonly<Record<string, number>>;
  /** Answers of system calls, in place of those above. */
  readonly answers?: Readonly<Partial<Record<SyscallName, (...args: readonly KernelArgument[]) => number>>>;
}

/** One system call as it was made. */
export interface RecordedCall {
  readonly name: SyscallName;
  readonly args: readonly KernelArgument[];
}

/** For tests: a kernel that answers from a table and keeps a record of what it was asked. */
export class FakeKernel implements Kernel {
  readonly architecture = "x64";
  readonly calls: RecordedCall[] = [];
  readonly #world: FakeWorld;
  /** What the next read(2) or getdents64(2) of each open descriptor gives. */
  readonly #open = new Map<number, Uint8Array>();
  #nextFd = 3;

  constructor(world: FakeWorld = {}) {
    this.#world = world;
  }

  /** How many descriptors are open. */
  get openFds(): number {
    return this.#open.size;
  }

  call(name: SyscallName, ...args: readonly KernelArgument[]): number {
    this.calls.push({ name, args });
    const answer = this.#world.answers?.[name];
    if (answer !== undefined) return answer(...args);
    return this.#answer(name, args);
  }

  spawn(): number {
    return -errnoNumber("ENOSYS");
  }

  #answer(name: SyscallName, args: readonly KernelArgument[]): number {
    switch (name) {
      case "openat":
        return this.#openat(String(args[1]));
      case "close":
        return this.#open.delete(Number(args[0])) ? 0 : -errnoNumber("EBADF");
      case "read":
      case "getdents64":
        return this.#read(Number(args[0]), args[1]);
      case "statfs":
        return this.#statfs(String(args[0]), args[1]);
      case "statx":
        return this.#statx(String(args[1]), args[4]);
      default:
        return -errnoNumber("ENOSYS");
    }
  }

  #openat(path: string): number {
    const { files = {}, directories = {} } = this.#world;
    const content = Object.hasOwn(directories, path) ? toEntries(directories[path] ?? []) : toBytes(files[path]);
    if (content === undefined) return -errnoNumber("ENOENT");
    this.#open.set(this.#nextFd, content);
    return this.#nextFd++;
  }

  /** At most what the buffer takes; the rest comes with the next call. */
  #read(fd: number, buffer: KernelArgument | undefined): number {
    const content = this.#open.get(fd);
    if (content === undefined) return -errnoNumber("EBADF");
    if (!(buffer instanceof Uint8Array)) return -errnoNumber("EFAULT");
    const part = content.subarray(0, buffer.length);
    buffer.set(part);
    this.#open.set(fd, content.subarray(part.length));
    return part.length;
  }

  #statfs(path: string, buffer: KernelArgument | undefined): number {
    const type = this.#world.filesystems?.[path];
    if (type === undefined) return -errnoNumber("ENOENT");
    if (!(buffer instanceof Uint8Array)) return -errnoNumber("EFAULT");
    new DataView(buffer.buffer).setBigInt64(0, BigInt(type), true);
    return 0;
  }

  #statx(path: string, buffer: KernelArgument | undefined): number {
    const isDirectory = Object.hasOwn(this.#world.directories ?? {}, path);
    if (!isDirectory && !Object.hasOwn(this.#world.files ?? {}, path)) return -errnoNumber("ENOENT");
    if (!(buffer instanceof Uint8Array)) return -errnoNumber("EFAULT");
    new DataView(buffer.buffer).setUint16(28, isDirectory ? 0o040755 : 0o100644, true);
    return 0;
  }
}

function toBytes(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : new TextEncoder().encode(text);
}

const DT_DIR = 4;
const DIRENT_NAME = 19;

/** struct linux_dirent64: u64 inode, s64 offset, u16 length, u8 type, then the name with its NUL; aligned to 8. */
function toEntries(names: readonly string[]): Uint8Array {
  const records = [".", "..", ...names].map((name) => {
    const bytes = new TextEncoder().encode(name);
    const record = new Uint8Array(8 * Math.ceil((DIRENT_NAME + bytes.length + 1) / 8));
    new DataView(record.buffer).setUint16(16, record.length, true);
    record[18] = DT_DIR;
    record.set(bytes, DIRENT_NAME);
    return record;
  });
  return Uint8Array.from(records.flatMap((record) => [...record]));
}
