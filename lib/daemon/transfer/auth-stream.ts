import { containerd } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import type { CredentialSource, Credentials } from "../../registry/credentials.ts";
import type { ClientStream } from "../streams/client-stream.ts";

const { AuthRequest, AuthResponse, AuthType } = containerd.types.transfer;
const AUTH_REQUEST = "containerd.types.transfer.AuthRequest";
const AUTH_RESPONSE = "containerd.types.transfer.AuthResponse";

/** transfer/registry.proto: credentials that the client is asked for, one registry after the other. */
export function askClient(stream: ClientStream): CredentialSource {
  let last: Promise<unknown> = Promise.resolve();
  return ({ host, reference, challenges }) => {
    const asked = last.then(async () => {
      const value = AuthRequest.encode({ host, reference, wwwauthenticate: challenges }).finish();
      await stream.send({ typeUrl: AUTH_REQUEST, value });
      const answer = await stream.receive();
      if (answer === undefined) throw new ContainerError("aborted", "the client has closed the stream of credentials");
      if (answer.typeUrl !== AUTH_RESPONSE) {
        throw new ContainerError("invalid_argument", `cannot use the credentials: they are ${answer.typeUrl}`);
      }
      return toCredentials(AuthResponse.decode(answer.value));
    });
    last = asked.catch(() => undefined);
    return asked;
  };
}

function toCredentials(answer: containerd.types.transfer.AuthResponse): Credentials | undefined {
  const { authType, secret, username } = answer;
  switch (authType) {
    case AuthType.CREDENTIALS:
      return { kind: "password", username, password: secret };
    case AuthType.REFRESH:
      return { kind: "refresh", token: secret };
    case AuthType.HEADER:
      return { kind: "header", value: secret };
    default:
      return undefined;
  }
}
