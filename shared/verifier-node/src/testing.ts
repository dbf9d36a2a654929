// An issuer inside a test: keys, tokens, revocations and a clock, without a network.

import { randomUUID } from 'node:crypto';

import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

import { FEED_TYPE } from './feed-document.js';
import type { Fetch } from './fetch.js';
import { type RevokedKind, revocationHash } from './revocation-view.js';
import { sha256 } from './sha256.js';

/** A key pair with the name of its public part. */
export interface TestKey {
  readonly kid: string;
  readonly alg: string;
  readonly jwk: JWK;
  readonly privateKey: CryptoKey;
}

export interface TestIssuerOptions {
  issuer?: string;
  /** What tokens are for. */
  audience?: string;
  alg?: 'RS256' | 'PS256' | 'ES256' | 'EdDSA';
  /** What the clock says at first, in seconds since 1970. */
  now?: number;
}

/** Claims of a token; those that are not given are good ones, and those that are `undefined` are left out. */
export type TestClaims = Record<string, unknown>;

interface Entry {
  kind: string;
  hash: string;
  until: number;
  not_before?: number;
  ends_at?: number;
}

/** How many entries a document of the feed has, about. */
const MAX_ENTRIES = 10_000;

/** Makes an issuer. Hand its `options` to the verifier. */
export async function testIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  return new TestIssuer(options, await testKey(options.alg ?? 'ES256'));
}

/** A key pair. */
export async function testKey(alg: string): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { kid: await calculateJwkThumbprint(jwk), alg, jwk, privateKey };
}

export class TestIssuer {
  readonly issuer: string;
  readonly audience: string;
  /** The URLs that were asked for. */
  readonly asked: string[] = [];
  /** The key that signs. */
  key: TestKey;
  /** The keys that are published. */
  keys: TestKey[];
  /** The time, in seconds since 1970. It stands still until it is set. */
  now: number;
  #isDown = false;
  readonly #entries: { at: number; entry: Entry }[] = [];

  /** @internal See `testIssuer`. */
  constructor({ issuer = 'https://issuer.example', audience = 'https://api.example', now }: TestIssuerOptions, key: TestKey) {
    this.issuer = issuer;
    this.audience = audience;
    this.key = key;
    this.keys = [key];
    this.now = now ?? 1_800_000_000;
  }

  /** What the verifier is told. */
  get options(): { issuer: string; audience: string; fetch: Fetch; clock: () => number } {
    return { issuer: this.issuer, audience: this.audience, fetch: this.fetch, clock: this.clock };
  }

  readonly clock = (): number => this.now;

  /** Lets time pass. */
  pass(seconds: number): void {
    this.now += seconds;
  }

  /** An access token. */
  token(claims: TestClaims = {}, header: Record<string, unknown> = {}): Promise<string> {
    const { issuer, audience, now } = this;
    const good = { iss: issuer, aud: audience, sub: 'alice', client_id: 'app', jti: randomUUID(), iat: now, exp: now + 900 };
    return sign(this.key, { ...good, ...claims }, { typ: 'at+jwt', kid: this.key.kid, ...header });
  }

  /** An access token that is bound to a new key, and what makes the proofs that it is sent with. */
  async boundToken(claims: TestClaims = {}, alg = 'ES256'): Promise<{ token: string; key: TestKey; proof: ProofMaker }> {
    const key = await testKey(alg);
    const token = await this.token({ cnf: { jkt: key.kid }, ...claims });
    return { token, key, proof: (method, url, more = {}) => this.#proof(key, token, { htm: method, htu: url, ...more }) };
  }

  /** Revokes an access token. */
  revokeToken(token: string): void {
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string };
    this.#revoke('token', jti, {});
  }

  /** Revokes a grant with every token of it. */
  revokeGrant(grantId: string): void {
    this.#revoke('grant', grantId, {});
  }

  /** Revokes what a client has now. */
  revokeClient(clientId: string): void {
    this.#revoke('client', clientId, { not_before: this.now });
  }

  /** Revokes what a subject has given until now. */
  revokeSubject(subject: string): void {
    this.#revoke('subject', subject, { not_before: this.now });
  }

  /** Ends an API key with every token that it was exchanged for. */
  revokeApiKey(id: string, endsAt = 0): void {
    this.#revoke('api key', id, { ends_at: endsAt });
  }

  /** A new key signs from now on. The old one stays published, unless it is withdrawn. */
  async replaceKey({ withdraw = false } = {}): Promise<void> {
    const old = this.key;
    this.key = await testKey(old.alg);
    this.keys = withdraw ? [this.key] : [this.key, old];
    if (withdraw) this.#revoke('key', old.kid, {});
  }

  /** Whether the issuer answers. */
  set isDown(isDown: boolean) {
    this.#isDown = isDown;
  }

  readonly fetch: Fetch = async (url, { headers }) => {
    this.asked.push(url);
    if (this.#isDown) throw new TypeError('the issuer is down');
    const { pathname, searchParams } = new URL(url);
    if (pathname === '/.well-known/jwks.json') return this.#jwks(headers['If-None-Match']);
    if (pathname === '/oauth2/revocations') return this.#feed(Number(searchParams.get('since') ?? 0));
    return new Response(null, { status: 404 });
  };

  #jwks(known: string | undefined): Response {
    const keys = this.keys.map(({ jwk, kid, alg }) => ({ ...jwk, kid, alg, use: 'sig' }));
    const body = JSON.stringify({ keys });
    const etag = `"${sha256(body, 'base64url')}"`;
    const headers = { 'Cache-Control': 'public, max-age=300', ETag: etag };
    return known === etag ? new Response(null, { status: 304, headers }) : new Response(body, { headers });
  }

  /** Entries of one second are never spread over two documents. */
  async #feed(from: number): Promise<Response> {
    const { issuer: iss, now: iat } = this;
    const recorded = this.#entries.filter(({ at, entry }) => at >= from && entry.until + 60 >= iat);
    const rest = recorded.slice(MAX_ENTRIES).find(({ at }) => at > (recorded[0]?.at ?? at));
    const until = rest?.at ?? iat;
    const entries = recorded.filter(({ at }) => rest === undefined || at < until).map(({ entry }) => entry);
    const document = { iss, iat, exp: iat + 60, from, until, more: rest !== undefined, entries };
    const body = await sign(this.key, document, { typ: FEED_TYPE, kid: this.key.kid });
    return new Response(body, { headers: { 'Cache-Control': 'public, max-age=5' } });
  }

  #revoke(kind: RevokedKind, name: string, more: Partial<Entry>): void {
    const hash = Buffer.from(Uint32Array.from(revocationHash(kind, name)).buffer).toString('base64url');
    const entry = { kind: kind.replace(' ', '_'), hash, until: this.now + 48 * 60 * 60, ...more };
    this.#entries.push({ at: this.now, entry });
  }

  #proof(key: TestKey, token: string, claims: TestClaims): Promise<string> {
    const ath = sha256(token, 'base64url');
    const good = { jti: randomUUID(), iat: this.now, ath };
    return sign(key, { ...good, ...claims }, { typ: 'dpop+jwt', jwk: key.jwk });
  }
}

/** Makes a proof for a request; `more` are claims that are not as they should be. */
export type ProofMaker = (method: string, url: string, more?: TestClaims) => Promise<string>;

function sign(key: TestKey, claims: TestClaims, header: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: key.alg, ...header }).sign(key.privateKey);
}
