import type { Case } from "../case.ts";

/** Types at a terminal of 24 rows and 80 columns; a line is typed when what is before the arrow was shown. */
const TERMINAL = `python3 "$TYPIST"`;
const NO_LOG = "containerd's shim copies a terminal to FIFOs and loggers only";

export const terminalCases: readonly Case[] = [
  {
    name: "attach: the prompt is there, keys go through one by one, and the size is the caller's",
    ownOnly: NO_LOG,
    script: `C="$TAG-tr"; tsctr run -dit --name "$C" -e PS1='ready> ' "$IMAGE" sh >/dev/null; until tsctr logs "$C" | grep -q ready; do sleep 0.05; done; ${TERMINAL} "tsctr attach $C" 'ready> ->until stty size | grep "24 80"; do :; done; stty -icanon -echo; echo wa""iting; x=$(dd bs=1 count=1 2>/dev/null); stty icanon echo; echo got$x' 'waiting->\\x71' 'gotq->\\x10\\x11' | grep -o 'gotq$'; until tsctr logs -n 1 "$C" | grep -q '^ready> '; do sleep 0.05; done; ${TERMINAL} "tsctr attach $C" 'ready> ->exit 4' | grep -c 'ready> '; tsctr wait "$C"; tsctr rm "$C"`,
  },
  {
    name: "attach: after the client was killed, and to one at a time",
    script: `C="$TAG-tk"; ${TERMINAL} "echo \\$\\$ >$SCRATCH/pid; exec $TSCTR run -it --name $C $IMAGE sh" >/dev/null & p=$!; until tsctr ps -q | grep -q "$C"; do sleep 0.05; done; tsctr attach "$C" </dev/null; echo "status $?"; kill -KILL $(cat "$SCRATCH/pid"); wait $p; ${TERMINAL} "tsctr attach $C" '->echo sec""ond' 'second->exit 6' | grep -o '^second'; tsctr wait "$C"; tsctr rm "$C"; rm "$SCRATCH/pid"`,
  },
];
