import { Authorizer } from "./authorizer.ts";
import { RequestFailure, shownUrl } from "./failures.ts";
import type { RegistryHost } from "./hosts.ts";
import type { RemoteName } from "./name.ts";
import type { RegistryLimits, RegistryOptions } from "./options.ts";
import { retried } from "./retry.ts";
import { expectStatus, type HttpRequest, type Reply, send } from "./transport.ts";

/** What is asked of a repository: below its path, or at an address that the registry gave. */
export interface RepositoryRequest {
  readonly method: HttpRequest["method"];
  readonly at: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpRequest["body"];
  /** What the token has to be good for. */
  readonly scopes: readonly string[];
  /** The statuses of success. */
  readonly expect: readonly number[];
}

const UNAUTHORIZED = 401;

/** One host, asked about one repository. */
export class HostClient {
  readonly host: RegistryHost;
  readonly #options: RegistryOptions;
  readonly #limits: RegistryLimits;
  readonly #authorizer: Authorizer;
  readonly #path: string;
  #hasAnswered = false;

  constructor(host: RegistryHost, name: RemoteName, options: RegistryOptions, limits: RegistryLimits) {
    this.host = host;
    this.#options = options;
    this.#limits = limits;
    this.#path = `${host.base.href}${name.repository}/`;
    this.#authorizer = new Authorizer({
      ...{ base: host.base, tls: host.tls, reference: name.full },
      ...{ credentials: options.credentials, limits },
    });
  }

  /** Asks, and asks again after what passes. @throws {RequestFailure} */
  async ask(request: RepositoryRequest, signal: AbortSignal): Promise<Reply> {
    return await retried(() => this.askOnce(request, signal), this.#limits, signal);
  }

  /** Asks once, with a token if the registry wants one. @throws {RequestFailure} */
  async askOnce(request: RepositoryRequest, signal: AbortSignal): Promise<Reply> {
    const url = request.at instanceof URL ? request.at : new URL(request.at, this.#path);
    try {
      const reply = await this.#authorized(request, url, signal);
      this.#hasAnswered = true;
      return await expectStatus(reply, request.method, ...request.expect);
    } catch (error) {
      throw this.#judged(error);
    }
  }

  /** An address that the registry gave in an answer. @throws {RequestFailure} */
  locate(reply: Reply): URL {
    const location = reply.headers.get("location") ?? "";
    const url = location === "" ? null : URL.parse(location, reply.url.href);
    if (url === null || !["http:", "https:"].includes(url.protocol)) {
      throw this.#wrongLocation("the answer to an upload has no address to go on at");
    }
    if (this.host.base.protocol !== "https:") return url;
    // A registry behind a proxy may not know that it is reached by HTTPS.
    if (url.hostname === this.host.base.hostname) url.protocol = "https:";
    if (url.protocol !== "https:")
      throw this.#wrongLocation(`an upload goes on at ${shownUrl(url)}, which is not HTTPS`);
    return url;
  }

  #wrongLocation(why: string): RequestFailure {
    return new RequestFailure("failed_precondition", `${this.host.base.origin}: ${why}`, { isTransient: false });
  }

  async #authorized(request: RepositoryRequest, url: URL, signal: AbortSignal): Promise<Reply> {
    if (url.origin !== this.host.base.origin) return await this.#send(request, url, undefined, signal);
    const used = await this.#authorizer.header(request.scopes);
    const reply = await this.#send(request, url, used, signal);
    if (reply.status !== UNAUTHORIZED) return reply;
    const header = await this.#authorizer.answer(reply.headers, request.scopes, used, signal);
    if (header === undefined) return reply;
    await reply.discard();
    return await this.#send(request, url, header, signal);
  }

  async #send(request: RepositoryRequest, url: URL, authorization: string | undefined, signal: AbortSignal) {
    const { method, headers = {}, body } = request;
    const { tls } = this.host;
    const isOwn = url.origin === this.host.base.origin;
    const all = {
      ...(isOwn ? { ...this.#options.headers, ...this.host.headers } : {}),
      ...headers,
      ...(authorization === undefined ? {} : { authorization }),
    };
    return await send(
      {
        ...{ method, url, headers: all },
        ...(body === undefined ? {} : { body }),
        ...(isOwn && tls !== undefined ? { tls } : {}),
      },
      this.#limits,
      signal,
    );
  }

  /** Who has never answered is not there; who has will be back. And who was refused is told what may help. */
  #judged(error: unknown): unknown {
    if (!(error instanceof RequestFailure)) return error;
    const { code, message, status, isTransient, retryAfterMs, cause } = error;
    if (status === 0 && isTransient && !this.#hasAnswered && /\((?:ConnectionRefused|ECONNREFUSED)\)/.test(message)) {
      return new RequestFailure(code, message, { isTransient: false, cause });
    }
    if (status !== UNAUTHORIZED) return error;
    const advice = `log in with: docker login ${this.host.base.host}`;
    return new RequestFailure(code, `${message}: ${advice}`, { status, isTransient, retryAfterMs, cause });
  }
}
