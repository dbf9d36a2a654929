// The verifier that a resource server keeps: one issuer's keys and revocations, and the order of the checks.

import { type HeaderValues, MAX_TOKEN_BYTES, sentToken, valuesOf } from './authorization.js';
import { checkClaims, Claims, tokenClaims, type TokenClaims } from './claims.js';
import { Proof, SeenProofs } from './dpop.js';
import { FetchError } from './fetch.js';
import { PublishedKeys } from './published-keys.js';
import { Refusal, type Scheme } from './refusal.js';
import { RevocationFeed } from './revocation-feed.js';
import { RequiredScopes } from './scopes.js';
import { type Settings, settingsOf, type VerifierOptions } from './settings.js';
import { canonicalResource } from './url.js';

/** What of a request its authorization rests on. */
export interface ProtectedRequest {
  /** The value of the `Authorization` header, or those of all of them. */
  authorization: HeaderValues;
  /** The same for `DPoP`. */
  dpop?: HeaderValues;
  /** The method, where proofs are checked. */
  method?: string | undefined;
  /**
   * The URL as callers know it, where proofs are checked: it is not always the one that a server behind a gateway sees, and must
   * not come from a `Host` header that nobody has checked. Query and fragment do not matter.
   */
  url?: string | undefined;
}

/** The `typ` of an access token (RFC 9068 §2.1). */
const ACCESS_TOKEN_TYPE = 'at+jwt';

/** Verifies the access tokens of one issuer for one resource server. Make one at start and keep it: it holds the keys. */
export class Verifier {
  readonly #settings: Settings;
  readonly #audiences: ReadonlySet<string>;
  readonly #keys: PublishedKeys;
  readonly #feed: RevocationFeed | null;
  readonly #seen = new SeenProofs();
  readonly #expressions = new Map<string, RequiredScopes>();

  /** Fetches nothing yet. Throws a `TypeError` when the options are wrong. */
  constructor(options: VerifierOptions) {
    const settings = settingsOf(options);
    const { issuer, fetch, clock } = settings;
    this.#settings = settings;
    this.#audiences = new Set(settings.audiences.map(canonicalResource));
    this.#keys = new PublishedKeys(settings.jwksUrl, fetch, clock);
    this.#feed = settings.feed && new RevocationFeed({ issuer, fetch, clock, keys: this.#keys }, settings.feed);
  }

  /** The protection space that challenges name: the first audience. */
  get realm(): string {
    return this.#settings.audiences[0];
  }

  /** The issuer URL. */
  get issuer(): string {
    return this.#settings.issuer;
  }

  /** How tokens may be sent. */
  get schemes(): readonly Scheme[] {
    return this.#settings.schemes;
  }

  /** Verifies a bearer token. Throws a `Refusal`. */
  async verify(token: string): Promise<Claims> {
    try {
      return await this.#verifyBearer(token);
    } catch (error) {
      throw this.#refused(error, this.#settings.schemes);
    }
  }

  /**
   * Authorizes a request: takes the token from its headers, verifies it and its proof, and checks its scopes. Without method and
   * URL no proof can be checked, so that none is asked for. Throws a `Refusal`, which makes the answer to the caller, or
   * `InvalidScopes`.
   */
  async authorize(request: ProtectedRequest, scopes: string | RequiredScopes = ''): Promise<Claims> {
    const required = this.#parsed(scopes);
    const hasUrl = request.url !== undefined && request.method !== undefined;
    try {
      const { scheme, token } = sentToken(valuesOf(request.authorization));
      const isTaken = this.#settings.schemes.includes(scheme) && (scheme === 'Bearer' || hasUrl);
      if (!isTaken) throw new Refusal('no_token');
      const claims = scheme === 'Bearer' ? await this.#verifyBearer(token) : await this.#verifyBound(token, request);
      if (required.areMetBy((scope) => claims.hasScope(scope))) return claims;
      throw new Refusal('insufficient_scope', {
        message: `the token lacks a scope: ${required}`,
        scope: required.sufficient(),
      });
    } catch (error) {
      throw this.#refused(error, hasUrl ? this.#settings.schemes : ['Bearer']);
    }
  }

  /**
   * Fetches the issuer's keys, and the feed if it is followed, so that the first request waits for neither: for a server that says
   * it is ready only when it is. Throws a `Refusal`, `unavailable`, when no token could be judged now.
   */
  async ready(): Promise<void> {
    try {
      await this.#keys.fetched();
      await this.refreshRevocations();
      if (this.#feed !== null && this.revocationStaleness === null) throw this.#feed.whyStale();
    } catch (error) {
      throw this.#asRefusal(error);
    }
  }

  /** Renews the view of the feed if that is due. Requests do that themselves; where a timer calls this, they need not wait. */
  async refreshRevocations(): Promise<void> {
    await this.#feed?.refreshIfOverdue(this.#settings.clock());
  }

  /** The age of the view of the feed, in seconds, for a metric; `null` before the first answer, and without the feed. */
  get revocationStaleness(): number | null {
    return this.#feed === null ? null : this.#feed.staleness(this.#settings.clock());
  }

  async #verifyBearer(token: string): Promise<Claims> {
    const claims = await this.#judge(token);
    if (claims.cnf !== undefined) throw new Refusal('bound_to_key');
    return new Claims(claims);
  }

  /** RFC 9449 §4.3, §7.1. The proof is noted last, so that what is refused uses up nothing. */
  async #verifyBound(token: string, { dpop, method = '', url = '' }: ProtectedRequest): Promise<Claims> {
    const now = this.#settings.clock();
    const proof = await Proof.fromHeaders(valuesOf(dpop));
    proof.check({ method, url, token, now });
    const claims = await this.#judge(token);
    if (claims.cnf === undefined) throw new Refusal('not_bound');
    if (claims.cnf.jkt !== proof.key) throw new Refusal('proof_by_another_key');
    if (!this.#seen.note(proof, now)) throw new Refusal('proof_replayed');
    return new Claims(claims);
  }

  /** The claims of a live token, however it was sent (RFC 9068 §4). */
  async #judge(token: string): Promise<TokenClaims> {
    // Whoever writes JavaScript may pass what the request does not have.
    if (typeof token !== 'string') throw new Refusal('malformed');
    if (Buffer.byteLength(token) > MAX_TOKEN_BYTES) throw new Refusal('too_long');
    const { keyId, payload } = await this.#keys.prove('token', (keys) => keys.signedPayload(token, ACCESS_TOKEN_TYPE));
    const claims = tokenClaims(payload);
    const now = this.#settings.clock();
    // A token that is refused for its claims, such as an expired one, needs no lookup of revocations.
    checkClaims(claims, { issuer: this.#settings.issuer, audiences: this.#audiences, now });
    if (this.#feed !== null) {
      if (this.#feed.isOverdue(now)) await this.#feed.refreshIfOverdue(now);
      this.#feed.checkStaleness(now);
      const reason = this.#feed.view.rejectionOf(claims, keyId, now);
      if (reason !== null) throw new Refusal(reason);
    }
    return claims;
  }

  #parsed(scopes: string | RequiredScopes): RequiredScopes {
    if (typeof scopes !== 'string') return scopes;
    const known = this.#expressions.get(scopes);
    if (known !== undefined) return known;
    const parsed = new RequiredScopes(scopes);
    // A service has few of them, unless it makes them up for each request.
    if (this.#expressions.size >= MAX_EXPRESSIONS) this.#expressions.clear();
    this.#expressions.set(scopes, parsed);
    return parsed;
  }

  #asRefusal(error: unknown): unknown {
    if (!(error instanceof FetchError)) return error;
    return new Refusal('unavailable', { message: `the issuer's keys are not available: ${error.message}`, cause: error });
  }

  /** What is thrown to the caller; the embedder is told. */
  #refused(error: unknown, schemes: readonly Scheme[]): unknown {
    const refusal = this.#asRefusal(error);
    if (!(refusal instanceof Refusal)) return refusal;
    refusal.within(this.realm, schemes);
    this.#settings.onRefusal(refusal);
    return refusal;
  }
}

const MAX_EXPRESSIONS = 1000;
