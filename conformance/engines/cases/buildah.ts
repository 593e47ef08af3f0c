import type { EngineCase } from "../engine.ts";

const BUD = "buildah bud --pull-never --no-cache --isolation oci --runtime $runtime -t built -f Containerfile . ";

const LINES: Readonly<Record<string, string>> = {
  "bud, RUN":
    'printf \'FROM busybox\\nRUN echo made > /made && id\\nRUN cat /made\\nCMD ["cat", "/made"]\\n\' > Containerfile; ' +
    `${BUD} 2>&1 | grep -vE '^(COMMIT|-->|[0-9a-f]{64}$)'; podman run --rm built`,
  "bud, RUN that fails": `printf 'FROM busybox\\nRUN exit 4\\n' > Containerfile; ${BUD}; echo $?`,
  "bud, RUN without a program": `printf 'FROM busybox\\nRUN ["nonesuch"]\\n' > Containerfile; ${BUD}; echo $?`,
  "bud, USER and WORKDIR": `printf 'FROM busybox\\nWORKDIR /w\\nUSER 1000:1000\\nRUN pwd; id; touch x || true\\n' > Containerfile; ${BUD} 2>&1 | grep -vE '^(COMMIT|-->|[0-9a-f]{64}$)'`,
  "bud, RUN --mount": `printf 'FROM busybox\\nRUN --mount=type=tmpfs,target=/t grep -c " /t " /proc/mounts\\n' > Containerfile; ${BUD} 2>&1 | grep -vE '^(COMMIT|-->|[0-9a-f]{64}$)'`,
  run: "c=$(buildah from --pull-never busybox); buildah run --isolation oci --runtime $runtime $c -- sh -c 'echo ran; exit 6'; echo $?; buildah rm $c > /dev/null",
  "run --tty":
    "c=$(buildah from --pull-never busybox); buildah run --isolation oci --runtime $runtime --tty $c -- sh -c 'test -t 0 && echo terminal'; buildah rm $c > /dev/null",
  "run -v":
    "c=$(buildah from --pull-never busybox); mkdir -p v; echo x > v/f; buildah run --isolation oci --runtime $runtime -v $site/v:/v:ro $c -- cat /v/f; buildah rm $c > /dev/null",
  "run --cap-add":
    "c=$(buildah from --pull-never busybox); buildah run --isolation oci --runtime $runtime --cap-add CAP_SYS_ADMIN $c -- grep Cap /proc/self/status; buildah rm $c > /dev/null",
};

export const BUILDAH_CASES: readonly EngineCase[] = Object.entries(LINES).map(([name, script]) => ({
  name: `buildah/${name}`,
  script,
}));
