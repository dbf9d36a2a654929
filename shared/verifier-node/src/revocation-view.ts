// The revocations of tokens that have not expired, and those of them that concern one token.

import { actorsOf, CLOCK_SKEW_SECONDS, type Parent, type TokenClaims } from './claims.js';
import { hashOf, HashTable, type Words, wordsOf } from './hash-table.js';
import { fromBase64url, isCount, isObject, isOptional, isString } from './json.js';
import type { Reason } from './refusal.js';

/** What can be revoked, as hashes call it. */
export type RevokedKind = 'token' | 'grant' | 'client' | 'subject' | 'key' | 'api key';

/** The hash of what is revoked. It covers the kind, so that a client and a subject of one name have different ones. */
export function revocationHash(kind: RevokedKind, name: string): Words {
  return hashOf(`tokensmith revoked ${kind}\0${name}`);
}

/** One entry of the feed. */
export interface Revocation {
  readonly hash: Words;
  /** What was issued at or before this moment is invalid; `Infinity` is all of it. Of an API key, when it ends. */
  readonly notBefore: number;
  /** When the last token that it concerns expires. */
  readonly until: number;
}

/** An entry as it is in the feed; `null` when it is malformed. Those of unknown kinds are kept, and concern nothing. */
export function parseRevocation(entry: unknown): Revocation | null {
  if (!isObject(entry)) return null;
  const { kind, hash, not_before, ends_at, until } = entry;
  const bytes = isString(hash) ? fromBase64url(hash) : null;
  const isWellFormed = isString(kind) && isCount(until) && isOptional(not_before, isCount) && isOptional(ends_at, isCount);
  if (!isWellFormed || bytes?.length !== 16) return null;
  const notBefore = momentOf(kind, not_before ?? undefined, ends_at ?? undefined);
  return notBefore === null ? null : { hash: wordsOf(bytes.toString('latin1')), notBefore, until };
}

/** The moment that belongs to the kind; `null` when it does not fit it. */
function momentOf(kind: string, notBefore: number | undefined, endsAt: number | undefined): number | null {
  switch (kind) {
    case 'token':
    case 'grant':
    case 'key':
      return notBefore === undefined ? Infinity : null;
    case 'client':
    case 'subject':
      return notBefore ?? null;
    case 'api_key':
      return notBefore === undefined ? (endsAt ?? null) : null;
    default:
      return notBefore ?? Infinity;
  }
}

export class RevocationView {
  readonly #entries = new HashTable();
  #asOf = 0;

  /** Adds revocations. With them the view has everything that was revoked before `asOf`. */
  apply(revocations: Iterable<Revocation>, asOf: number): void {
    // Verifiers accept tokens for this long after their `exp`.
    for (const { hash, notBefore, until } of revocations) {
      this.#entries.insert(hash, notBefore, until + CLOCK_SKEW_SECONDS, asOf);
    }
    this.#asOf = Math.max(this.#asOf, asOf);
    this.#entries.forgetExpired(asOf);
  }

  /** The moment up to which the view is complete; `null` while it is cold. */
  get asOf(): number | null {
    return this.#asOf === 0 ? null : this.#asOf;
  }

  /** How many revocations it holds. */
  get size(): number {
    return this.#entries.size;
  }

  /** The memory that they take, in bytes. */
  get bytes(): number {
    return this.#entries.bytes;
  }

  /** Whether a signing key was withdrawn. */
  isWithdrawn(keyId: string, now: number): boolean {
    return this.#value('key', keyId, now) >= 0;
  }

  /** Why a token is revoked: itself, or something that it was exchanged for. `null` when it is not. */
  rejectionOf(claims: TokenClaims, keyId: string, now: number): Reason | null {
    const parents = claims.parents ?? NONE;
    if (this.#latest('key', keyId, named(parents, 'kid'), now) >= 0) return 'withdrawn_key';
    if (this.#latest('token', claims.jti, named(parents, 'jti'), now) >= 0) return 'token_revoked';
    if (this.#latest('grant', claims.grant_id, named(parents, 'grant_id'), now) >= 0) return 'grant_revoked';
    const ofClients = this.#latest('client', claims.client_id, named(parents, 'client_id'), now);
    if (ofClients >= claims.iat) return 'client_revoked';
    // Whoever acts may be a client or a person. No client has the name of a person.
    if (this.#latest('subject', claims.sub, actorsOf(claims), now) >= claims.iat) return 'subject_revoked';
    const hasEnded = (name: string) => {
      const endsAt = this.#value('api key', name, now);
      return endsAt >= 0 && endsAt <= now;
    };
    return named(parents, 'key').some(hasEnded) ? 'api_key_ended' : null;
  }

  /** The latest moment of these names; -1 when none of them is revoked. */
  #latest(kind: RevokedKind, own: string | null | undefined, others: readonly string[], now: number): number {
    let latest = own === null || own === undefined ? -1 : this.#value(kind, own, now);
    for (const name of others) latest = Math.max(latest, this.#value(kind, name, now));
    return latest;
  }

  #value(kind: RevokedKind, name: string, now: number): number {
    return this.#entries.value(revocationHash(kind, name), now);
  }
}

const NONE: readonly never[] = [];

/** What the parents have under this name. */
function named(parents: readonly Parent[], name: 'key' | 'jti' | 'client_id' | 'grant_id' | 'kid'): readonly string[] {
  if (parents.length === 0) return NONE;
  return parents.flatMap((parent) => (parent as Record<string, string | null | undefined>)[name] ?? []);
}
