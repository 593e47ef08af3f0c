import { ContainerError } from "../../errors.ts";
import type { User } from "../../spec/config.ts";

/** passwd(5) and group(5) of an image, as texts; undefined where it has none, or they cannot be read. */
export interface UserFiles {
  readonly passwd: string | undefined;
  readonly group: string | undefined;
}

const MAX_ID = 4_294_967_294;

/**
 * image-spec § config.User: `user`, `uid`, `user:group`, `uid:gid` and mixtures, as docker resolves them; "" is root. The
 * groups that list the user are added. @throws {ContainerError} not_found, invalid_argument
 */
export function resolveUser(wanted: string, files: UserFiles): User {
  const [user = "", group] = wanted.split(":", 2);
  const entry = findUser(user === "" ? "0" : user, files);
  const gid = group === undefined || group === "" ? entry.gid : findGroup(group, files);
  const additional =
    group === undefined || group === "" ? groupsOf(entry.name, files).filter((each) => each !== gid) : [];
  return { uid: entry.uid, gid, ...(additional.length > 0 ? { additionalGids: additional } : {}) };
}

interface Entry {
  readonly name: string | undefined;
  readonly uid: number;
  readonly gid: number;
}

function findUser(user: string, { passwd }: UserFiles): Entry {
  const id = parseId(user, "user");
  for (const [name = "", , uid = "", gid = ""] of lines(passwd)) {
    // A name that is all digits is a name before it is a number.
    if (name === user || (id !== undefined && uid === String(id))) return { name, uid: Number(uid), gid: Number(gid) };
  }
  if (id !== undefined) return { name: undefined, uid: id, gid: 0 };
  throw missing(`user ${user}`, "/etc/passwd", passwd);
}

function findGroup(group: string, files: UserFiles): number {
  const id = parseId(group, "group");
  for (const [name, , gid = ""] of lines(files.group)) {
    if (name === group) return Number(gid);
  }
  if (id !== undefined) return id;
  throw missing(`group ${group}`, "/etc/group", files.group);
}

/** The groups that list a user, in the order of the file. */
function groupsOf(user: string | undefined, { group }: UserFiles): readonly number[] {
  if (user === undefined) return [];
  return lines(group).flatMap(([, , gid = "", members = ""]) =>
    members.split(",").includes(user) ? [Number(gid)] : [],
  );
}

function parseId(text: string, what: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id <= MAX_ID) return id;
  throw new ContainerError("invalid_argument", `cannot use ${what} ${text}: ids go up to ${MAX_ID}`);
}

function lines(text: string | undefined): readonly (readonly string[])[] {
  return (text ?? "")
    .split("\n")
    .map((line) => line.trim().split(":"))
    .filter(([name, , id]) => name !== "" && !name?.startsWith("#") && /^\d+$/.test(id ?? ""));
}

function missing(what: string, file: string, text: string | undefined): ContainerError {
  const why =
    text === undefined ? `the image has no ${file} that can be read` : `${file} of the image does not name it`;
  return new ContainerError("not_found", `cannot find ${what}: ${why}`);
}
