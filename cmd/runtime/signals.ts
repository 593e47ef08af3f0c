import { SIGNALS } from "../../lib/linux/constants/processes.ts";

/** signal(7): second names. */
const SYNONYMS: Readonly<Record<string, number>> = {
  SIGIOT: SIGNALS.SIGABRT,
  SIGCLD: SIGNALS.SIGCHLD,
  SIGPOLL: SIGNALS.SIGIO,
};

const NUMBERS: Readonly<Record<string, number>> = { ...SIGNALS, ...SYNONYMS };

/** Where programs see SIGRTMIN: glibc keeps the kernel's 32 and 33 for itself. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** kill(1): the number of a signal given as a number or as a name, in any case, with or without SIG. */
export function signalNumber(given: string): number | undefined {
  if (/^\d+$/.test(given)) return inRange(Number(given), 0);
  const name = `SIG${given.toUpperCase().replace(/^SIG/, "")}`;
  const realtime = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realtime === null) return Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
  const [, base, sign, offset = "0"] = realtime;
  const from = base === "MIN" ? SIGRTMIN : SIGRTMAX;
  return inRange(sign === "-" ? from - Number(offset) : from + Number(offset), SIGRTMIN);
}

function inRange(number: number, lowest: number): number | undefined {
  return number >= lowest && number <= SIGRTMAX ? number : undefined;
}
