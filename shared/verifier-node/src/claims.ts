// The claims of an access token (RFC 9068 §2.2), and who acts with it (RFC 8693 §4.1).

import { isCount, isObject, isOptional, isString, type JsonObject } from './json.js';
import { Refusal } from './refusal.js';
import { canonicalResource } from './url.js';

/** Who acts for the subject of a token, and for whom they act in turn. */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor | null;
}

/** What a token was exchanged for: an access token of the same issuer, or an API key. */
export type Parent =
  | { readonly jti: string; readonly client_id: string; readonly grant_id?: string | null; readonly kid?: string | null }
  | { readonly key: string };

/** The claims as they were signed, once their form was checked. */
export interface TokenClaims extends JsonObject {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly exp: number;
  readonly nbf?: number | null;
  readonly iat: number;
  readonly jti: string;
  readonly client_id: string;
  readonly scope?: string | null;
  readonly grant_id?: string | null;
  readonly act?: Actor | null;
  readonly cnf?: { readonly jkt: string };
  readonly parents?: readonly Parent[];
}

const TOKEN_PARENT = new Set(['jti', 'client_id', 'grant_id', 'kid']);

/** The claims of an access token. Throws a `Refusal`, `malformed`. */
export function tokenClaims(payload: JsonObject): TokenClaims {
  if (!isTokenClaims(payload)) throw new Refusal('malformed');
  return payload;
}

function isTokenClaims(claims: JsonObject): claims is TokenClaims {
  const { iss, sub, aud, exp, nbf, iat, jti, client_id, scope, grant_id, act, cnf, parents } = claims;
  return (
    [iss, sub, jti, client_id].every(isString) &&
    (isString(aud) || (Array.isArray(aud) && aud.every(isString))) &&
    isCount(exp) &&
    isCount(iat) &&
    isOptional(nbf, isCount) &&
    isOptional(scope, isString) &&
    isOptional(grant_id, isString) &&
    isOptional(act, isActor) &&
    (cnf === undefined || isConfirmation(cnf)) &&
    (parents === undefined || (Array.isArray(parents) && parents.every(isParent)))
  );
}

/** As deep as the JSON readers of other verifiers go. */
const MAX_ACTORS = 120;

function isActor(value: unknown): value is Actor {
  let actor: unknown = value;
  for (let depth = 0; depth < MAX_ACTORS; depth += 1) {
    if (!isObject(actor) || !isString(actor['sub'])) return false;
    actor = actor['act'];
    if (actor === undefined || actor === null) return true;
  }
  return false;
}

/** What whoever sends a token has to prove. Who does not know a member cannot check it, so the token is refused. */
function isConfirmation(value: unknown): boolean {
  return isObject(value) && isString(value['jkt']) && Object.keys(value).length === 1;
}

/** Who does not know a member does not know what else ends the token. */
function isParent(value: unknown): value is Parent {
  if (!isObject(value)) return false;
  const names = Object.keys(value);
  if (names.length === 1 && isString(value['key'])) return true;
  const { jti, client_id, grant_id, kid } = value;
  const isToken = isString(jti) && isString(client_id) && isOptional(grant_id, isString) && isOptional(kid, isString);
  return isToken && names.every((name) => TOKEN_PARENT.has(name));
}

/** Everybody who acts for the subject, the current actor first. */
export function actorsOf({ act }: TokenClaims): string[] {
  if (!act) return [];
  const actors: string[] = [];
  for (let actor: Actor | null | undefined = act; actor; actor = actor.act) actors.push(actor.sub);
  return actors;
}

/** How far the clocks of issuer and verifier may differ, in seconds. */
export const CLOCK_SKEW_SECONDS = 60;

/** What the claims of a token must agree with (RFC 9068 §4). */
export interface Expectations {
  readonly issuer: string;
  /** The audiences in the spelling of `canonicalResource`. */
  readonly audiences: ReadonlySet<string>;
  /** In seconds since 1970. */
  readonly now: number;
}

/** Judges signed claims. Throws the `Refusal` of the first of issuer, audience, expiry and start that does not fit. */
export function checkClaims(claims: TokenClaims, { issuer, audiences, now }: Expectations): void {
  if (claims.iss !== issuer) throw new Refusal('wrong_issuer');
  const named = isString(claims.aud) ? [claims.aud] : claims.aud;
  if (!named.some((one) => audiences.has(canonicalResource(one)))) throw new Refusal('wrong_audience');
  if (now >= claims.exp + CLOCK_SKEW_SECONDS) throw new Refusal('expired');
  const starts = Math.max(claims.nbf ?? claims.iat, claims.iat);
  if (starts > now + CLOCK_SKEW_SECONDS) throw new Refusal('not_yet_valid');
}

/** The claims of an access token that was verified. */
export class Claims {
  readonly #claims: TokenClaims;
  readonly #scopes: readonly string[];

  /** @internal Only the verifier makes them. */
  constructor(claims: TokenClaims) {
    this.#claims = claims;
    this.#scopes = (claims.scope ?? '').split(' ').filter((scope) => scope !== '');
  }

  /** `iss`: the issuer URL. */
  get issuer(): string {
    return this.#claims.iss;
  }

  /** `sub`: the subject of the token; the client itself where no user is involved. */
  get subject(): string {
    return this.#claims.sub;
  }

  /** `client_id`: the client that the token was issued to. */
  get clientId(): string {
    return this.#claims.client_id;
  }

  /** `aud`: all resources that the token is for; this one is among them. */
  get audiences(): readonly string[] {
    const { aud } = this.#claims;
    return isString(aud) ? [aud] : aud;
  }

  /** `exp`, in seconds since 1970. */
  get expiresAt(): number {
    return this.#claims.exp;
  }

  /** `iat`, in seconds since 1970. */
  get issuedAt(): number {
    return this.#claims.iat;
  }

  /** `jti`: the token's unique id. */
  get tokenId(): string {
    return this.#claims.jti;
  }

  /** `grant_id`: the grant that the token comes from; none with `client_credentials`. */
  get grantId(): string | undefined {
    return this.#claims.grant_id ?? undefined;
  }

  /** The public id of the API key that the token was exchanged for, if it was, directly or in steps. */
  get apiKeyId(): string | undefined {
    return this.parents.flatMap((parent) => ('key' in parent ? [parent.key] : []))[0];
  }

  /** Everybody who acts for the subject, the current actor first. Those before are for the record (RFC 8693 §4.1). */
  get actors(): readonly string[] {
    return actorsOf(this.#claims);
  }

  /** `parents`: what the token was exchanged for, the oldest first. It ends with each of these. */
  get parents(): readonly Parent[] {
    return this.#claims.parents ?? [];
  }

  /** The thumbprint of the key that the token is bound to (`cnf.jkt`), if it is. */
  get boundTo(): string | undefined {
    return this.#claims.cnf?.jkt;
  }

  /** The granted scopes. */
  get scopes(): readonly string[] {
    return this.#scopes;
  }

  hasScope(scope: string): boolean {
    return this.#scopes.includes(scope);
  }

  /** A claim by its name, such as one that the operator of the issuer has given the client. */
  get(name: string): unknown {
    return Object.hasOwn(this.#claims, name) ? this.#claims[name] : undefined;
  }

  /** All claims, as in the token. */
  toJSON(): JsonObject {
    return { ...this.#claims };
  }
}
