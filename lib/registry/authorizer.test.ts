import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { ContentStore } from "../daemon/content/content-store.ts";
import { storeContent } from "../daemon/transfer/store-content.ts";
import { explain } from "../errors.ts";
import { memoryStores } from "../testing/metadata.ts";
import { FakeRegistry } from "../testing/registry.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { basicHeader, type CredentialRequest, type Credentials } from "./credentials.ts";
import { ownHost } from "./hosts.ts";
import { pullImage } from "./pull.ts";

const LIMITS = { stallMs: 20_000, attempts: 3, firstDelayMs: 1, maxDelayMs: 4 };
const USER: Credentials = { kind: "password", username: "ann", password: "p:w" };

/** A token server that hands out t1, t2, …. */
class TokenServer {
  readonly log: { url: URL; authorization: string | undefined; body: string }[] = [];
  readonly #server: Server;
  /** What it answers instead of a token. */
  answer: ((response: ServerResponse) => void) | undefined;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get realm(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    this.log.push({ url: new URL(request.url ?? "", this.realm), authorization: request.headers.authorization, body });
    if (this.answer !== undefined) return this.answer(response);
    response.end(JSON.stringify({ token: `t${this.log.length}`, expires_in: 60 }));
  }
}

describe("Authorizer", () => {
  let folder: TemporaryDirectory;
  let registry: FakeRegistry;
  let tokens: TokenServer;
  let content: ContentStore;

  beforeEach(async () => {
    folder = new TemporaryDirectory();
    content = new ContentStore({ ...memoryStores(), root: folder.at("content") });
    [registry, tokens] = await Promise.all([FakeRegistry.start(), new TokenServer().start()]);
    registry.addImage("a", "1", [new Uint8Array(10), new Uint8Array(20), new Uint8Array(30)]);
  });
  afterEach(async () => {
    await registry[Symbol.asyncDispose]();
    await tokens.stop();
    folder[Symbol.dispose]();
  });

  /** Wants one of some values of the header Authorization. */
  const want = (challenge: string, isGood: (authorization: string) => boolean) => {
    registry.fault = (request, response) => {
      if (isGood(request.headers.authorization ?? "")) return false;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return true;
    };
  };
  const bearer = () => `Bearer realm="${tokens.realm}",service="the \\"registry\\"",scope="repository:a:pull"`;
  const asked: CredentialRequest[] = [];
  const pull = async (credentials?: Credentials): Promise<string> => {
    asked.length = 0;
    try {
      await pullImage(
        {
          hosts: (each) => [ownHost(each)],
          credentials: async (request) => {
            asked.push(request);
            return await Promise.resolve(credentials);
          },
          limits: LIMITS,
        },
        storeContent(content, { namespace: "n" }),
        { name: `${registry.host}/a:1`, report: () => undefined, signal: new AbortController().signal },
      );
      return "pulled";
    } catch (error) {
      return explain(error).replaceAll(registry.host, "HOST").replaceAll(tokens.realm, "REALM");
    }
  };

  it("tells a user and a password", async () => {
    want('Basic realm="x"', (header) => header === basicHeader("ann", "p:w"));
    expect(await pull(USER)).to.equal("pulled");
    expect(asked).to.deep.equal([
      { host: registry.host, reference: `${registry.host}/a:1`, challenges: ['Basic realm="x"'] },
    ]);
    expect(registry.headers.filter(({ authorization }) => authorization === undefined)).to.have.length(1);
  });

  it("says what to do when they are wrong, and does not insist", async () => {
    want("Basic", () => false);
    expect(await pull(USER)).to.equal(
      "cannot pull HOST/a:1: HEAD http://HOST/v2/a/manifests/1: status 401: log in with: docker login HOST",
    );
    expect(registry.log).to.have.length(2);
    expect(await pull()).to.match(/log in with/);
  });

  it("gets one token for many requests, with the password for the token server only", async () => {
    want(bearer(), (header) => header === "Bearer t1");
    expect(await pull(USER)).to.equal("pulled");
    expect(tokens.log).to.have.length(1);
    const [{ url, authorization } = { url: new URL("a:"), authorization: "" }] = tokens.log;
    expect(authorization).to.equal(basicHeader("ann", "p:w"));
    expect(Object.fromEntries(url.searchParams)).to.deep.equal({
      service: 'the "registry"',
      scope: "repository:a:pull",
    });
    expect(registry.headers.some((each) => each.authorization?.startsWith("Basic"))).to.equal(false);
  });

  it("gets a token for nobody in particular", async () => {
    want(bearer(), (header) => header === "Bearer t1");
    expect(await pull()).to.equal("pulled");
    expect(tokens.log[0]?.authorization).to.equal(undefined);
  });

  it("gets another when one is not good any more", async () => {
    let isOld = false;
    want(bearer(), (header) => header === (isOld ? "Bearer t2" : "Bearer t1"));
    const { fault } = registry;
    registry.fault = (request, response, path) => {
      if (path.includes("blobs")) isOld = true;
      return fault(request, response, path);
    };
    expect(await pull(USER)).to.equal("pulled");
    expect(tokens.log).to.have.length(2);
  });

  it("exchanges a token for tokens", async () => {
    want(bearer(), (header) => header === "Bearer t1");
    expect(await pull({ kind: "refresh", token: "r&1" })).to.equal("pulled");
    expect(Object.fromEntries(new URLSearchParams(tokens.log[0]?.body))).to.include({
      ...{ grant_type: "refresh_token", refresh_token: "r&1", scope: "repository:a:pull" },
    });
  });

  it("tells a header as it is", async () => {
    want("Basic", (header) => header === "Magic 1");
    expect(await pull({ kind: "header", value: "Magic 1" })).to.equal("pulled");
  });

  for (const [what, answer, why] of [
    [
      "refuses",
      (response: ServerResponse) => response.writeHead(403).end('{"details":"no such user"}'),
      /status 403: no such user/,
    ],
    ["breaks", (response: ServerResponse) => response.writeHead(500).end("p:w"), /REALM: status 500/],
    ["has none", (response: ServerResponse) => response.end("{}"), /the answer has no token/],
    [
      "gives none that can be one",
      (response: ServerResponse) => response.end('{"token":"a\\r\\nb: c"}'),
      /has no token/,
    ],
    ["speaks no JSON", (response: ServerResponse) => response.end("<html>"), /the token: it is no JSON/],
  ] as const) {
    it(`says that the token server ${what}`, async () => {
      want(bearer(), () => false);
      tokens.answer = answer;
      expect(await pull(USER)).to.match(why);
    });
  }

  it("says that the token server is down", async () => {
    want(bearer(), () => false);
    const told = bearer().replace(/:\d+\//, ":1/");
    want(told, () => false);
    expect(await pull(USER)).to.match(/GET http:\/\/127.0.0.1:1\/token: nobody answers there/);
  });

  for (const challenge of ["Bearer", 'Bearer realm="ftp://x/"', 'Bearer realm=""', "Digest", ""]) {
    it(`refuses the challenge ${challenge === "" ? "that is empty" : challenge}`, async () => {
      want(challenge, () => false);
      expect(await pull(USER)).to.match(/no token server|status 401/);
    });
  }
});
