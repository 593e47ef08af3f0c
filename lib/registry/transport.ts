import { explain } from "../errors.ts";
import { RequestFailure, refused, shownUrl } from "./failures.ts";

/** Who a registry is asked as, and whose certificates are believed. */
export interface TlsSettings {
  /** Certificates of authorities, in PEM, instead of the system's. */
  readonly ca?: readonly string[];
  /** Ours, and its key, in PEM. */
  readonly certificate?: string;
  readonly key?: string;
  /** Believes anybody. */
  readonly skipVerify?: boolean;
}

/** One request. A body that is a function is called when it is sent. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | (() => AsyncIterable<Uint8Array>);
  readonly tls?: TlsSettings;
}

/** How long is waited, and how much is read. */
export interface TransportLimits {
  /** Without a byte in either direction for so long, a request is given up. */
  readonly stallMs: number;
}

const MAX_REDIRECTS = 5;
const MAX_FAULT_BYTES = 16_384;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What must not be told to whom a redirect leads; a host's own headers may be secrets, too. */
const KEPT_HEADERS = new Set(["accept", "accept-encoding", "range", "user-agent"]);
const USER_AGENT = "tsrun";

/** An answer whose body is still to be read, or to be discarded. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from, redirects followed. */
  readonly url: URL;
  /** The body as it comes. @throws {RequestFailure} when it stalls or breaks off */
  chunks(): AsyncGenerator<Uint8Array>;
  /** Ends the answer without reading it. */
  discard(): Promise<void>;
}

/**
 * Sends a request, and follows redirects of GET and HEAD: never from HTTPS to HTTP, and with nothing but plain headers to
 * another origin. The answer may have any status.
 * @throws {RequestFailure} when there is no answer; the reason of the signal
 */
export async function send(request: HttpRequest, limits: TransportLimits, signal: AbortSignal): Promise<Reply> {
  let current = request;
  for (let redirects = 0; ; redirects++) {
    const reply = await sendOnce(current, limits, signal);
    const location = REDIRECTS.has(reply.status) ? reply.headers.get("location") : null;
    if (location === null || (request.method !== "GET" && request.method !== "HEAD")) return reply;
    await reply.discard();
    if (redirects === MAX_REDIRECTS) throw wrongRedirect(request, `there are more than ${MAX_REDIRECTS} redirects`);
    current = redirected(current, location);
  }
}

/** An answer with one of some statuses. @throws {RequestFailure} for any other, with what the body says */
export async function expectStatus(reply: Reply, method: string, ...statuses: readonly number[]): Promise<Reply> {
  if (statuses.includes(reply.status)) return reply;
  const { status, headers, url } = reply;
  const body = await readText(reply, MAX_FAULT_BYTES).catch(() => "");
  throw refused({ method, url, status, headers, body });
}

/** All of a body that must be small. @throws {RequestFailure} resource_exhausted */
export async function readAll(reply: Reply, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.chunks()) {
    size += chunk.length;
    if (size > maxBytes) {
      const why = `the answer has more than ${maxBytes} bytes`;
      throw new RequestFailure("resource_exhausted", `GET ${shownUrl(reply.url)}: ${why}`, { isTransient: false });
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

async function readText(reply: Reply, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let left = maxBytes;
  for await (const chunk of reply.chunks()) {
    parts.push(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}

function redirected(request: HttpRequest, location: string): HttpRequest {
  const url = parseLocation(request, location);
  if (request.url.protocol === "https:" && url.protocol !== "https:") {
    throw wrongRedirect(request, `it redirects to ${shownUrl(url)}, which is not HTTPS`);
  }
  if (url.origin === request.url.origin) return { ...request, url };
  const headers = Object.entries(request.headers).filter(([name]) => KEPT_HEADERS.has(name.toLowerCase()));
  const { method } = request;
  return { method, url, headers: Object.fromEntries(headers) };
}

function parseLocation(request: HttpRequest, location: string): URL {
  const url = URL.parse(location, request.url.href);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw wrongRedirect(request, "it redirects to what is no address of HTTP");
  }
  url.username = "";
  url.password = "";
  return url;
}

function wrongRedirect({ method, url }: HttpRequest, why: string): RequestFailure {
  return new RequestFailure("failed_precondition", `${method} ${shownUrl(url)}: ${why}`, { isTransient: false });
}

async function sendOnce(request: HttpRequest, { stallMs }: TransportLimits, signal: AbortSignal): Promise<Reply> {
  const { method, url } = request;
  signal.throwIfAborted();
  const watchdog = new Watchdog(stallMs);
  const either = AbortSignal.any([signal, watchdog.signal]);
  const fault = (error: unknown): unknown => {
    watchdog.stop();
    if (signal.aborted) return signal.reason;
    return failureOf(`${method} ${shownUrl(url)}`, watchdog.hasBarked ? watchdog.signal.reason : error);
  };
  let response: Response;
  try {
    response = await fetch(url, toInit(request, watchdog, either));
  } catch (error) {
    throw fault(error);
  }
  watchdog.touch();
  const { status, headers, body } = response;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      if (body === null) return;
      for await (const chunk of body) {
        watchdog.touch();
        yield chunk;
        // The time that the reader took is not the registry's.
        watchdog.touch();
      }
    } catch (error) {
      throw fault(error);
    } finally {
      watchdog.stop();
    }
  }
  return {
    ...{ status, headers, url, chunks },
    async discard() {
      watchdog.stop();
      await body?.cancel().catch(() => undefined);
    },
  };
}

function toInit(request: HttpRequest, watchdog: Watchdog, signal: AbortSignal): BunFetchRequestInit {
  const { method, headers, body, tls } = request;
  return {
    ...{ method, signal, redirect: "manual", decompress: false, timeout: false },
    // A layer is what was hashed: nothing may compress it once more.
    headers: { "user-agent": USER_AGENT, "accept-encoding": "identity", ...headers },
    ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : toStream(body, watchdog) }),
    ...(tls === undefined ? {} : { tls: toTls(tls) }),
  };
}

function toTls({ ca, certificate, key, skipVerify = false }: TlsSettings): NonNullable<BunFetchRequestInit["tls"]> {
  return {
    rejectUnauthorized: !skipVerify,
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ...(certificate === undefined || key === undefined ? {} : { cert: certificate, key }),
  };
}

/** A body that is read as the connection takes it. */
function toStream(open: () => AsyncIterable<Uint8Array>, watchdog: Watchdog): ReadableStream<Uint8Array> {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  return new ReadableStream({
    async pull(controller) {
      watchdog.touch();
      iterator ??= open()[Symbol.asyncIterator]();
      const { done = false, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator?.return?.();
    },
  });
}

/** Aborts when nobody has touched it for some time. */
class Watchdog {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: Timer | undefined;

  constructor(ms: number) {
    this.#ms = ms;
    this.touch();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get hasBarked(): boolean {
    return this.signal.aborted;
  }

  touch(): void {
    clearTimeout(this.#timer);
    const seconds = this.#ms / 1000;
    this.#timer = setTimeout(() => this.#controller.abort(new Error(`it stalled: no byte for ${seconds} s`)), this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** What no later try would change: names that are not there, and certificates that are not believed. */
const LASTING = /^(?:ENOTFOUND|EAI_|ERR_INVALID|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH)/;

function failureOf(what: string, error: unknown): RequestFailure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = TEXTS[code] ?? withoutAdvice(explain(error));
  const isTransient = !LASTING.test(code);
  return new RequestFailure("unavailable", `${what}: ${why}${code === "" ? "" : ` (${code})`}`, { isTransient });
}

const TEXTS: Readonly<Record<string, string>> = {
  ConnectionRefused: "nobody answers there",
  ECONNREFUSED: "nobody answers there",
  ECONNRESET: "the connection broke off",
  ConnectionClosed: "the connection broke off",
  ENOTFOUND: "there is no such host",
};

/** Bun's messages begin with the code and end with what a programmer may do. */
function withoutAdvice(text: string): string {
  return text.replace(/^[A-Z_]{4,}: /, "").replace(/[.:]? ?For more information, pass `verbose: true`.*$/s, "");
}
