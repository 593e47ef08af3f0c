import type { Case } from "../case.ts";

/** What a shell waits for before it looks. */
const stopped = (id: string) =>
  `for n in $(seq 600); do ctr tasks ls | grep -q "$TAG-${id} .*STOPPED" && break; sleep 0.05; done`;

/** Tasks, their processes and what they tell. */
export const taskCases: readonly Case[] = [
  { name: "tasks ls, none", script: "ctr tasks ls" },
  { name: "run -d", script: 'ctr run -d "$IMAGE" $TAG-d sleep 1000; ctr tasks ls; ctr containers ls' },
  { name: "run -d, taken", script: 'ctr run -d "$IMAGE" $TAG-d sleep 1000' },
  { name: "tasks start of a running one", script: "ctr tasks start -d $TAG-d" },
  { name: "tasks ps", script: "ctr tasks ps $TAG-d" },
  { name: "tasks ps of nothing", script: "ctr tasks ps $TAG-none" },
  { name: "tasks metrics", script: "ctr tasks metrics $TAG-d | awk '{print $1}'" },
  { name: "tasks metrics of nothing", script: "ctr tasks metrics $TAG-none" },
  { name: "tasks exec", script: "ctr tasks exec --exec-id e1 $TAG-d echo inside" },
  { name: "tasks exec, status", script: "ctr tasks exec --exec-id e1 $TAG-d sh -c 'exit 9'" },
  {
    name: "tasks exec, environment",
    script: "ctr tasks exec --exec-id e1 --cwd /tmp --user 5 $TAG-d sh -c 'pwd; id -u'",
  },
  {
    name: "tasks exec, no such program",
    script: "ctr tasks exec --exec-id e1 $TAG-d nothing >/dev/null 2>&1; echo $?",
  },
  { name: "tasks exec in nothing", script: "ctr tasks exec --exec-id e1 $TAG-none true" },
  {
    name: "tasks exec, standard input",
    script: "echo typed | timeout 60 ctr --address $ADDRESS tasks exec --exec-id e1 $TAG-d head -n 1",
  },
  {
    name: "tasks exec -t",
    script: `terminal "ctr --address $ADDRESS tasks exec -t --exec-id e1 $TAG-d sh -c 'sleep 0.5; test -t 0'"`,
  },
  {
    name: "tasks exec -d",
    script:
      "ctr tasks exec -d --exec-id e2 $TAG-d sleep 500; ctr tasks ps $TAG-d | grep -c ExecID:e2; ctr tasks exec -d --exec-id e2 $TAG-d sleep 500",
  },
  { name: "tasks kill --exec-id", script: "ctr tasks kill --exec-id e2 -s KILL $TAG-d; ctr tasks ls" },
  { name: "tasks pause", script: "ctr tasks pause $TAG-d; ctr tasks ls" },
  { name: "tasks pause of a paused one", script: "ctr tasks pause $TAG-d >/dev/null 2>&1; echo $?" },
  { name: "tasks rm of a paused one", script: "ctr tasks rm $TAG-d" },
  { name: "tasks resume", script: "ctr tasks resume $TAG-d; ctr tasks ls" },
  { name: "tasks rm of a running one", script: "ctr tasks rm $TAG-d; ctr tasks ls" },
  { name: "containers rm of a running one", script: "ctr containers rm $TAG-d; ctr containers ls" },
  { name: "tasks kill, wrong signal", script: "ctr tasks kill -s NONE $TAG-d" },
  { name: "tasks kill", script: `ctr tasks kill -s KILL $TAG-d; ${stopped("d")}; ctr tasks ls` },
  { name: "tasks kill of a stopped one", script: "ctr tasks kill -s KILL $TAG-d >/dev/null 2>&1; echo $?" },
  { name: "tasks exec in a stopped one", script: "ctr tasks exec --exec-id e3 $TAG-d true >/dev/null 2>&1; echo $?" },
  { name: "tasks rm", script: "ctr tasks rm $TAG-d; ctr tasks ls" },
  { name: "tasks rm of nothing", script: "ctr tasks rm $TAG-d" },
  { name: "tasks start again", script: "ctr tasks start -d $TAG-d; ctr tasks ls" },
  { name: "tasks rm --force", script: "ctr tasks rm --force $TAG-d; ctr tasks ls" },
  {
    name: "tasks start in the foreground",
    script:
      'ctr containers create "$IMAGE" $TAG-f echo started; ctr tasks start $TAG-f; ctr tasks ls; ctr tasks rm $TAG-f; ctr containers rm $TAG-f',
  },
  { name: "tasks start of nothing", script: "ctr tasks start $TAG-none" },
  {
    name: "tasks attach",
    script: `ctr run -d "$IMAGE" $TAG-at sh -c 'until [ -e /go ]; do sleep 0.1; done; echo attached'; command ctr --address "$ADDRESS" tasks attach $TAG-at & client=$!; until ls -l /proc/$client/fd | grep -q stdout; do sleep 0.05; done; ctr tasks exec --exec-id go $TAG-at touch /go; wait $client; ctr tasks ls; ctr tasks rm -f $TAG-at 2>/dev/null; ctr containers rm $TAG-at`,
  },
  { name: "the record goes before the task", script: "ctr containers rm $TAG-d; ctr containers ls; ctr tasks ls" },
  {
    name: "many at once",
    script:
      'for n in 1 2 3 4 5 6; do ctr run --rm "$IMAGE" $TAG-m$n sh -c "echo $n; exit $n" & done | sort; wait; ctr tasks ls; ctr containers ls',
  },
  {
    name: "events of a container",
    script: `ctr events >"$SCRATCH/events" & watcher=$!
for n in $(seq 100); do ctr namespaces create probe$n; ctr namespaces rm probe$n >/dev/null; [ -s "$SCRATCH/events" ] && break; sleep 0.05; done
ctr run --rm "$IMAGE" $TAG-e sh -c 'exit 3'
ctr run -d "$IMAGE" $TAG-e sleep 1000
ctr tasks exec --exec-id e1 $TAG-e true
ctr tasks pause $TAG-e; ctr tasks resume $TAG-e
ctr tasks rm -f $TAG-e; ctr containers label $TAG-e a=b >/dev/null; ctr containers rm $TAG-e
ctr images tag "$IMAGE" local/e:1; ctr images label local/e:1 a=b >/dev/null; ctr images rm local/e:1
ctr namespaces create last; ctr namespaces rm last
for n in $(seq 1000); do grep -q '/namespaces/delete.*last' "$SCRATCH/events" && break; sleep 0.05; done
kill $watcher; wait $watcher 2>/dev/null
grep -vE 'probe|/content/delete|"a b"' "$SCRATCH/events" | cut -d' ' -f5- | sed '/tasks.delete/s/,"id":"[^"]*"//' # runc's shim names no process there, and containerd tells of no garbage`,
  },
  {
    name: "events by filter",
    script: `ctr events 'topic~=|^/tasks/exit|' >"$SCRATCH/filtered" & watcher=$!
for n in $(seq 200); do ctr run --rm "$IMAGE" $TAG-f$n true; [ -s "$SCRATCH/filtered" ] && break; done
ctr run --rm "$IMAGE" $TAG-g sh -c 'exit 4'
for n in $(seq 1000); do grep -q $TAG-g "$SCRATCH/filtered" && break; sleep 0.05; done
kill $watcher; wait $watcher 2>/dev/null
grep $TAG-g "$SCRATCH/filtered" | cut -d' ' -f5-; grep -vc /tasks/exit "$SCRATCH/filtered"`,
  },
  {
    name: "nothing is left",
    script: "ctr containers ls; ctr tasks ls; ctr leases ls; ctr snapshots ls | grep -c $TAG",
  },
];
