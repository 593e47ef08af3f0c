import type { Case } from "../case.ts";

/** Starts Debian's docker-registry on a port of its own until the script ends: $R is its address; what it prints it is shown without. */
const REGISTRY = `
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'version: 0.1\\nstorage: {filesystem: {rootdirectory: "%s"}}\\nhttp: {addr: "127.0.0.1:%s"}\\n' "$SCRATCH/registry" "$port" >"$SCRATCH/registry.yml"
docker-registry serve "$SCRATCH/registry.yml" >/dev/null 2>&1 & registry=$!
trap 'kill $registry; wait $registry 2>/dev/null; rm -rf "$SCRATCH/registry" "$SCRATCH/registry.yml"' EXIT
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.05; done
R=127.0.0.1:$port
shown() { sed "s/:$port/:PORT/g"; }
`;

/** A container of this name that waits, and is removed when the script ends. */
function container(name: string): string {
  return `C=$TAG-${name}; tsctr run -d --name "$C" "$IMAGE" sleep 1000 >/dev/null; trap 'tsctr rm -f "$C" >/dev/null' EXIT`;
}

const ONE_BLOB = `tsctr content ls -q | head -n 1`;

export const imageCases: readonly Case[] = [
  {
    name: "images",
    script:
      "tsctr images | sed -E 's/[0-9.]+MB/<SIZE>/g'; tsctr images -q; tsctr images ls --format json | jq -c '.[] | keys, [.unpackedBytes > .contentBytes / 2, .contentBytes > 1000000]'",
  },
  {
    name: "tag and rmi",
    script: `tsctr tag "$IMAGE" box; tsctr images tag box localhost/box:2; tsctr images -q; tsctr rmi box nosuch localhost/box:2; echo "status $?"; tsctr images -q; tsctr tag nosuch x; tsctr tag "$IMAGE" 'Not A Name'`,
  },
  {
    name: "export and import",
    script: `cd "$SCRATCH"; tsctr export -o a.tar "$IMAGE"; tsctr export "$IMAGE" >b.tar; cmp a.tar b.tar && tar tf a.tar | sed 's/[0-9a-f]\\{64\\}/HEX/'; tsctr rmi --sync "$IMAGE"; tsctr content ls -q; gzip -c a.tar | tsctr import -; tsctr run --rm "$IMAGE" echo again; rm a.tar b.tar`,
  },
  {
    name: "import: what is no archive of images",
    script: `tsctr import /etc/passwd; tsctr import /nosuch; tsctr import /etc; head -c 100000 "$ARCHIVE" | tsctr import -; mkdir "$SCRATCH/e"; tar c -C "$SCRATCH/e" . | tsctr import -; rmdir "$SCRATCH/e"; tsctr content ingests; tsctr leases -q`,
  },
  {
    name: "import: tags without names",
    script: `mkdir "$SCRATCH/l"; cd "$SCRATCH/l"; tar xf "$ARCHIVE"; sed -i 's/"io.containerd.image.name":"[^"]*"/"org.opencontainers.image.ref.name":"7"/' index.json; tar cf ../l.tar .; tsctr import ../l.tar; tsctr import --base-name localhost/named ../l.tar; tsctr rmi localhost/named:7; rm -rf ../l ../l.tar`,
  },
  {
    name: "export: failures",
    script: `tsctr export nosuch; tsctr export -o /nosuch/x "$IMAGE"; ls "$SCRATCH"/*.part 2>/dev/null`,
  },
  {
    name: "push and pull",
    script: `${REGISTRY} tsctr push "$IMAGE" $R/a/box:1 2>/dev/null | shown; tsctr push -q $IMAGE $R/a/box:1 | shown; tsctr pull -q $R/a/box:1 | shown; tsctr rmi --sync $R/a/box:1 "$IMAGE" | shown; tsctr content ls -q; tsctr pull --format json -q $R/a/box:1 | jq -r .name | shown; tsctr run --rm $R/a/box:1 echo ran; tsctr rmi $R/a/box:1 | shown; tsctr import "$ARCHIVE"`,
  },
  {
    name: "pull: what is shown",
    script: `${REGISTRY} tsctr push -q "$IMAGE" $R/box:1 >/dev/null; tsctr rmi --sync "$IMAGE"; tsctr pull $R/box:1 2>&1 >/dev/null | shown; tsctr rmi $R/box:1 | shown; tsctr import "$ARCHIVE"`,
    unordered: true,
  },
  {
    name: "pull: failures",
    script: `${REGISTRY} { tsctr pull $R/nosuch:1; tsctr pull 127.0.0.1:1/x; tsctr pull 'Not A Name'; tsctr pull --platform a/b --all-platforms x; tsctr pull --platform /// x; tsctr push nosuch; tsctr push "$IMAGE" 127.0.0.1:1/x; tsctr pull -u nobody $R/x; tsctr leases -q; } 2>&1 | shown`,
  },
  {
    name: "commit",
    script: `${container("cm")}; tsctr exec "$C" sh -c 'mkdir /made; echo hello >/made/file; rm /etc/passwd'; tsctr commit -m test -a me --change 'CMD ["cat", "/made/file"]' --change 'ENV A=1' "$C" made:1; tsctr ps --format json | jq -r '.[].status'; tsctr run --rm made:1; tsctr run --rm made:1 sh -c 'echo $A; ls /etc/passwd'; tsctr stop -t 0 "$C" >/dev/null; tsctr commit --format json "$C" made:2 | jq -r .name; tsctr content get "$(tsctr images ls --format json | jq -r '.[] | select(.name | test("made:1")).digest')" | jq -c '[.mediaType, .layers[].mediaType]'; tsctr rmi made:1 made:2`,
  },
  {
    name: "commit: failures",
    script: `${container("cf")}; tsctr commit nosuch x; tsctr commit "$C" 'Not A Name'; tsctr commit --change 'RUN x' "$C" x; tsctr commit "$C"; tsctr ps --format json | jq -r '.[].status'`,
  },
  ...["runs", "has ended"].flatMap((state): readonly Case[] => {
    const ended = state === "runs" ? "" : `; tsctr stop -t 0 "$C" >/dev/null`;
    const start = `${container("cp")}; tsctr exec "$C" sh -c 'mkdir -p /data/sub; echo inside >/data/f; ln -s /data /abs; ln -s ../../../../data /rel; mknod /data/dev c 1 3; chmod 6755 /data/f'${ended}; umask 022; mkdir -p "$SCRATCH/cp/src/sub"; cd "$SCRATCH/cp"; echo 1 >src/one; ln -s one src/link; echo 2 >src/sub/two`;
    const end = `cd /; rm -rf "$SCRATCH/cp"`;
    return [
      {
        name: `cp: into a container that ${state}`,
        script: `${start}; tsctr cp src "$C:/new"; tsctr cp src "$C:/new"; tsctr cp src/. "$C:/abs"; tsctr cp src/one "$C:/rel/renamed"; tsctr cp src/one "$C:/nosuch/"; tsctr cp src "$C:/data/f"; tsctr cp nosuch "$C:/"; tar c -C src . | tsctr cp - "$C:/data/sub"; tsctr cp "$C:/" - | tar t | grep -E '^(new|data)' | sort; ${end}`,
      },
      {
        name: `cp: out of a container that ${state}`,
        script: `${start}; tsctr cp "$C:/abs" link; readlink link; tsctr cp -L "$C:/rel" dir; find dir -printf '%P %y %m %u\\n' | sort; tsctr cp "$C:/abs/f" f; cat f; tsctr cp -a "$C:/data/." kept; find kept -printf '%P %y %m\\n' | sort; tsctr cp "$C:/data/f" - | tar tv | cut -d' ' -f1,2; tsctr cp "$C:/nosuch" .; tsctr cp "$C:/data" f; tsctr cp "$C:/etc/../../../../../data/f" up; cat up; ${end}`,
      },
    ];
  }),
  {
    name: "cp: what makes no sense",
    script: `tsctr cp a b; echo "status $?"; tsctr cp x:a y:b; echo "status $?"; tsctr cp nosuch:/a .; tsctr cp a`,
  },
  {
    name: "logs",
    ownOnly: "containerd's shim for runc writes plain files: no streams, no times",
    script: `C=$TAG-lg; tsctr run -d --name "$C" "$IMAGE" sh -c 'echo one; echo two; printf three' >/dev/null; tsctr wait "$C"; tsctr logs "$C"; echo; tsctr logs --tail 1 "$C"; echo; tsctr logs -t -n 1 "$C"; echo; tsctr logs --format json "$C" | jq -c '[.stream, .log]'; tsctr logs --since 1h "$C" | wc -c; tsctr logs --until 1h "$C" | wc -c; tsctr logs --tail x "$C"; tsctr rm "$C"; tsctr logs "$C"`,
  },
  {
    name: "logs: of both outputs",
    ownOnly: "containerd's shim for runc writes both to one plain file",
    script: `C=$TAG-lb; tsctr run -d --name "$C" "$IMAGE" sh -c 'echo out; echo err >&2' >/dev/null; tsctr wait "$C"; tsctr logs "$C"; tsctr logs --format json "$C" | jq -r .stream | sort; tsctr rm "$C"`,
  },
  {
    name: "logs: without streams and times",
    script: `C=$TAG-lp; tsctr run -d --name "$C" "$IMAGE" sh -c 'echo one; echo two; printf three' >/dev/null; tsctr wait "$C"; until tsctr logs "$C" | grep -q three; do sleep 0.1; done; tsctr logs "$C"; echo; tsctr logs --tail 1 "$C"; echo; tsctr logs --tail 0 "$C"; tsctr rm "$C"; tsctr logs "$C"`,
  },
  {
    name: "logs: followed to the end",
    ownOnly: "containerd's shim may tell the end of a program before its output is in the log",
    script: `C=$TAG-lf; tsctr run -d --name "$C" "$IMAGE" sh -c 'seq 2000; sleep 0.3; seq 2001 5000' >/dev/null; tsctr logs -f "$C" | sha256sum | grep -c "$(seq 5000 | sha256sum)"; tsctr logs "$C" | wc -l; tsctr rm "$C"`,
  },
  {
    name: "logs: of a terminal",
    ownOnly: "containerd's shim for runc keeps no output of a terminal in a file",
    script: `C=$TAG-lt; tsctr run -dt --name "$C" "$IMAGE" sh -c 'echo shown; tty' >/dev/null; tsctr wait "$C"; tsctr logs "$C" | tr -d '\\r'; tsctr rm "$C"`,
  },
  {
    name: "content",
    script: `tsctr content | head -n 1; D=$(${ONE_BLOB}); tsctr content get "$D" | sha256sum | cut -d' ' -f1 | grep -cx "\${D#sha256:}"; tsctr content get -o "$SCRATCH/blob" "$D"; sha256sum <"$SCRATCH/blob" | cut -d' ' -f1 | grep -cx "\${D#sha256:}"; rm "$SCRATCH/blob"; tsctr content label "$D" a.b=c | grep -o a.b=c; tsctr content ls -f 'labels."a.b"==c' -q | wc -l; tsctr content label "$D" a.b= | grep -cF a.b; tsctr content ls --format json | jq -c '.[0] | del(.updatedAt) | keys'; tsctr content get sha256:${"0".repeat(64)} 2>/dev/null; echo "status $?"; tsctr content ingests`,
  },
  {
    name: "snapshots",
    script: `tsctr snapshots | head -n 1; tsctr snapshots -s | head -n 1; S=$(tsctr snapshots -q | head -n 1); tsctr snapshots info "$S" | jq -c '[.kind, .parent, .sizeBytes > 0, .mounts]'; tsctr snapshots rm nosuch; echo "status $?"; tsctr snapshots ls --snapshotter nosuch -q 2>/dev/null; echo "status $?"`,
  },
  {
    name: "leases",
    script: `L=$(tsctr leases create --id "$TAG-lease" --expires 1h a=b); echo "$L"; tsctr leases; tsctr leases -q -f "id==$L"; tsctr leases info "$L" | jq -c '[.labels.a, .resources]'; tsctr leases rm "$L" nosuch; echo "status $?"; tsctr leases info "$L"; tsctr leases create =x`,
  },
  {
    name: "namespaces",
    script: `tsctr ns create "$TAG-ns" a=b; tsctr ns; tsctr ns label "$TAG-ns" a= c=d; tsctr ns ls --format json | jq -c '.[] | [.name, .labels]'; tsctr -n "$TAG-ns" images -q; tsctr ns rm "$TAG-ns" nosuch; echo "status $?"; tsctr ns create 'Not A Name' 2>/dev/null; echo "status $?"`,
  },
  {
    name: "nothing is left of images",
    script:
      "tsctr images -q; tsctr leases -q; tsctr content ingests; tsctr namespaces -q; ls /run/tsctr/mounts 2>/dev/null",
  },
];
