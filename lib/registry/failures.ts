import { ContainerError, type ErrorCode } from "../errors.ts";
import { printable } from "../printable.ts";

/** What a failed request was, and whether it is worth another try. */
export class RequestFailure extends ContainerError {
  override readonly name = "RequestFailure";
  /** The status of the answer; 0 when there was none. */
  readonly status: number;
  /** The same request may succeed later. */
  readonly isTransient: boolean;
  /** The registry asked to wait so long. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    about: { status?: number; isTransient: boolean; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(code, message, { cause: about.cause });
    this.status = about.status ?? 0;
    this.isTransient = about.isTransient;
    this.retryAfterMs = about.retryAfterMs;
  }
}

/** distribution-spec § Error Codes, RFC 9110 § 15: statuses after which the same request can succeed. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: "permission_denied",
  403: "permission_denied",
  404: "not_found",
  408: "deadline_exceeded",
  429: "resource_exhausted",
  501: "unimplemented",
};
const SERVER_FAULT = 500;
const MAX_SHOWN_CHARS = 300;

/** What is known of an answer that is no success. */
export interface Refusal {
  readonly method: string;
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  /** The beginning of its body. */
  readonly body: string;
}

/** The failure that an answer is: what was asked, the status, and what the registry says of it. */
export function refused({ method, url, status, headers, body }: Refusal): RequestFailure {
  const code = CODES[status] ?? (status >= SERVER_FAULT ? "unavailable" : "failed_precondition");
  const told = describeBody(body);
  const message = `${method} ${shownUrl(url)}: status ${status}${told === "" ? "" : `: ${told}`}`;
  const isTransient = TRANSIENT.has(status);
  return new RequestFailure(code, message, { status, isTransient, retryAfterMs: parseRetryAfter(headers) });
}

/** A URL without what may be a secret: user, password, query and fragment. */
export function shownUrl(url: URL): string {
  return printable(`${url.origin}${url.pathname}`);
}

const MS_PER_S = 1000;

/** RFC 9110 § 10.2.3: seconds, or a date. */
export function parseRetryAfter(headers: Headers, now = Date.now()): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * MS_PER_S;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** distribution-spec § Error Codes: the messages of an error document; the beginning of any other text but HTML. */
function describeBody(body: string): string {
  const text = messagesOf(body) ?? (/^\s*</.test(body) ? "" : body.trim());
  return printable(text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text);
}

function messagesOf(body: string): string | undefined {
  try {
    const { errors, details, message }: { errors?: unknown; details?: unknown; message?: unknown } = Object(
      JSON.parse(body),
    );
    if (Array.isArray(errors)) return errors.map(messageOf).filter(Boolean).join("; ");
    // Token servers have forms of their own.
    return [details, message].find((each) => typeof each === "string");
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  const { code, message }: { code?: unknown; message?: unknown } = Object(error);
  if (typeof message === "string" && message !== "") return message;
  return typeof code === "string" ? code : "";
}
