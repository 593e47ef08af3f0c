/** Who somebody is to a registry. */
export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** oauth2: a token that is good for tokens. */
  | { readonly kind: "refresh"; readonly token: string }
  /** The value of the header Authorization, as it is. */
  | { readonly kind: "header"; readonly value: string };

/** What a registry has asked of us. */
export interface CredentialRequest {
  /** The host with its port, as it is connected to. */
  readonly host: string;
  /** The name of the image, with the registry. */
  readonly reference: string;
  /** The values of the header WWW-Authenticate. */
  readonly challenges: readonly string[];
}

/** Finds what to tell a registry; undefined when nothing is known for it. */
export type CredentialSource = (request: CredentialRequest) => Promise<Credentials | undefined>;

/** Tells nothing. */
export const NO_CREDENTIALS: CredentialSource = async () => undefined;

/** RFC 7617: the value of the header Authorization. */
export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
