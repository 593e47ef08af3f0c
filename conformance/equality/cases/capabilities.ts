import { type EqualityCase, probeCase } from "../flow.ts";

const DOCKER =
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
    .split(" ")
    .map((name) => `CAP_${name}`);

/** config.md § Linux process, capabilities. */
export function capabilityCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "capabilities/docker's",
      configure: ({ process }) => {
        process.capabilities = { bounding: DOCKER, effective: DOCKER, permitted: DOCKER };
      },
    }),
    probeCase({
      name: "capabilities/none",
      configure: ({ process }) => {
        process.capabilities = {};
      },
    }),
    probeCase({
      name: "capabilities/absent",
      configure: ({ process }) => {
        delete process.capabilities;
      },
    }),
    probeCase({
      name: "capabilities/ambient for a user",
      configure: ({ process }) => {
        const some = ["CAP_NET_RAW", "CAP_CHOWN"];
        process.user = { uid: 1000, gid: 1000 };
        process.capabilities = { bounding: DOCKER, effective: some, permitted: some, inheritable: some, ambient: some };
      },
    }),
    probeCase({
      name: "capabilities/user without ambient",
      configure: ({ process }) => {
        process.user = { uid: 1000, gid: 1000 };
        process.capabilities = { bounding: DOCKER, effective: DOCKER, permitted: DOCKER };
      },
    }),
    probeCase({
      name: "capabilities/bounding is smaller",
      configure: ({ process }) => {
        process.capabilities = {
          bounding: ["CAP_KILL"],
          effective: ["CAP_KILL"],
          permitted: ["CAP_KILL"],
          inheritable: ["CAP_KILL"],
        };
      },
    }),
    probeCase({
      name: "capabilities/unknown name",
      configure: ({ process }) => {
        process.capabilities = {
          bounding: ["CAP_KILL", "CAP_OF_THE_FUTURE"],
          effective: ["CAP_KILL"],
          permitted: ["CAP_KILL"],
        };
      },
    }),
  ];
}
