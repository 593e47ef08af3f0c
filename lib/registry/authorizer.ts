import { parseJson, toObject } from "../image/documents.ts";
import { type Challenge, parseChallenges } from "./challenges.ts";
import { basicHeader, type CredentialSource, type Credentials } from "./credentials.ts";
import { RequestFailure, shownUrl } from "./failures.ts";
import { expectStatus, type HttpRequest, readAll, send, type TlsSettings, type TransportLimits } from "./transport.ts";

const MAX_TOKEN_BYTES = 1_048_576;
const CLIENT_ID = "tsrun";

/** Whom an authorizer speaks to, and for whom. */
export interface AuthorizerParts {
  /** The registry's address. */
  readonly base: URL;
  readonly tls: TlsSettings | undefined;
  readonly reference: string;
  readonly credentials: CredentialSource;
  readonly limits: TransportLimits;
}

/**
 * distribution-spec § Authentication, and docker's tokens: what one registry wants to be told of us. Tokens are asked for
 * once for each set of scopes, whoever needs them.
 */
export class Authorizer {
  readonly #parts: AuthorizerParts;
  readonly #headers = new Map<string, Promise<string | undefined>>();
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(parts: AuthorizerParts) {
    this.#parts = parts;
  }

  /** The value of the header Authorization, as far as the registry has said that it wants one. */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    return await this.#headers.get(scopes.join(" "))?.catch(() => undefined);
  }

  /**
   * A registry has refused `used`, or that there was nothing. The header for another attempt; undefined when there is
   * nothing else to say. @throws {RequestFailure} when there is no token to be had
   */
  async answer(reply: Headers, scopes: readonly string[], used: string | undefined, signal: AbortSignal) {
    const key = scopes.join(" ");
    const known = await this.header(scopes);
    // Somebody else was refused before, and has got a new one since.
    if (known !== undefined && known !== used) return known;
    const header = this.#make(reply.get("www-authenticate") ?? "", scopes, signal);
    this.#headers.set(key, header);
    try {
      const made = await header;
      // What never changes was not believed before.
      return made === used && !(made ?? "").startsWith("Bearer ") ? undefined : made;
    } catch (error) {
      this.#headers.delete(key);
      throw error;
    }
  }

  async #make(header: string, scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const challenges = parseChallenges(header);
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    const credentials = await this.#find(header);
    if (credentials?.kind === "header") return credentials.value;
    if (bearer !== undefined) return `Bearer ${await this.#token(bearer, scopes, credentials, signal)}`;
    const isBasic = challenges.some(({ scheme }) => scheme === "basic");
    if (!isBasic || credentials?.kind !== "password") return undefined;
    return basicHeader(credentials.username, credentials.password);
  }

  #find(header: string): Promise<Credentials | undefined> {
    const { base, reference, credentials } = this.#parts;
    this.#credentials ??= credentials({ host: base.host, reference, challenges: header === "" ? [] : [header] });
    return this.#credentials;
  }

  /** Asks the token server that a challenge names. */
  async #token(
    { parameters }: Challenge,
    scopes: readonly string[],
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const realm = this.#checkedRealm(parameters.get("realm") ?? "");
    const asked = { service: parameters.get("service") ?? "", scope: scopes.join(" ") };
    const { limits } = this.#parts;
    const request = credentials?.kind === "refresh" ? refresh(realm, asked, credentials.token) : plain(realm, asked);
    const headers = {
      ...request.headers,
      ...(credentials?.kind === "password"
        ? { authorization: basicHeader(credentials.username, credentials.password) }
        : {}),
    };
    // The certificates that are configured are the registry's own.
    const tls =
      this.#parts.tls !== undefined && realm.hostname === this.#parts.base.hostname ? { tls: this.#parts.tls } : {};
    const reply = await send({ ...request, headers, ...tls }, limits, signal);
    const body = await readAll(await expectStatus(reply, request.method, 200), MAX_TOKEN_BYTES);
    const { token, access_token: accessToken } = toObject(parseJson(body, "the token"), "the token");
    const found = [token, accessToken].find((each) => typeof each === "string" && each !== "");
    if (typeof found === "string" && /^[\x21-\x7e]+$/.test(found)) return found;
    throw new RequestFailure("unavailable", `${request.method} ${shownUrl(realm)}: the answer has no token`, {
      isTransient: false,
    });
  }

  /** A password goes there: it must not be sent in the open by a registry that is not. */
  #checkedRealm(realm: string): URL {
    const { base } = this.#parts;
    const url = URL.parse(realm);
    const wrong = (why: string) =>
      new RequestFailure("failed_precondition", `cannot log in to ${base.origin}: ${why}`, { isTransient: false });
    if (url === null || !["http:", "https:"].includes(url.protocol)) {
      throw wrong("it names no token server (WWW-Authenticate has no realm that is an address)");
    }
    if (base.protocol === "https:" && url.protocol !== "https:") {
      throw wrong(`its token server ${shownUrl(url)} is not HTTPS`);
    }
    return url;
  }
}

interface Asked {
  readonly service: string;
  readonly scope: string;
}

/** docker's token authentication: GET, with the password as basic authentication if there is one. */
function plain(realm: URL, { service, scope }: Asked): HttpRequest {
  const url = new URL(realm);
  if (service !== "") url.searchParams.set("service", service);
  if (scope !== "") for (const each of scope.split(" ")) url.searchParams.append("scope", each);
  return { method: "GET", url, headers: {} };
}

/** docker's oauth2: POST, with a token that is good for tokens. */
function refresh(realm: URL, asked: Asked, token: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: CLIENT_ID,
    ...asked,
    refresh_token: token,
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return { method: "POST", url: realm, headers, body: Buffer.from(form.toString()) };
}
