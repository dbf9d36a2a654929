// Why a request is refused, and what it is answered (RFC 6750 §3, RFC 9449 §7).

/** How a token may be sent. */
export type Scheme = 'Bearer' | 'DPoP';

type Kind = 'none' | 'request' | 'token' | 'proof' | 'scope' | 'unavailable';

/** Every reason with what kind it is of and what the caller is told. Neither quotes nor backslashes: RFC 6750 §3. */
const REASONS = {
  no_token: ['none', 'no bearer token was sent'],
  repeated_header: ['request', 'the Authorization header is repeated'],
  malformed_header: ['request', 'the bearer token is malformed'],
  too_long: ['token', 'the token is too long'],
  malformed: ['token', 'the token is malformed'],
  unsupported_header: ['token', "the token's header is not supported"],
  wrong_type: ['token', 'the token is not an access token'],
  unknown_key: ['token', "the token's key is unknown"],
  wrong_algorithm: ['token', "the token's algorithm is not its key's"],
  bad_signature: ['token', "the token's signature is wrong"],
  wrong_issuer: ['token', 'the token is from another issuer'],
  wrong_audience: ['token', 'the token is for another audience'],
  expired: ['token', 'the token has expired'],
  not_yet_valid: ['token', 'the token is not valid yet'],
  bound_to_key: ['token', 'the token is bound to a key, and was sent as a bearer token'],
  not_bound: ['token', 'the token is not bound to a key'],
  token_revoked: ['token', 'the token was revoked'],
  grant_revoked: ['token', "the token's grant was revoked"],
  client_revoked: ['token', "the token's client was revoked"],
  subject_revoked: ['token', "the token's subject was revoked"],
  api_key_ended: ['token', "the token's API key has ended"],
  withdrawn_key: ['token', "the token's key was withdrawn"],
  missing_proof: ['proof', 'a DPoP proof is needed'],
  repeated_proof: ['proof', 'the DPoP header is repeated'],
  malformed_proof: ['proof', 'the DPoP proof is malformed'],
  proof_with_unusable_key: ['proof', 'the DPoP proof has no public key that can be used'],
  wrong_proof_type: ['proof', 'the JWT is not a DPoP proof'],
  wrong_proof_algorithm: ['proof', "the algorithm of the DPoP proof is not its key's"],
  bad_proof_signature: ['proof', 'the signature of the DPoP proof is wrong'],
  proof_for_another_method: ['proof', 'the DPoP proof is for another method'],
  proof_for_another_url: ['proof', 'the DPoP proof is for another URL'],
  proof_for_another_token: ['proof', 'the DPoP proof is for another token'],
  proof_too_old: ['proof', 'the DPoP proof is too old'],
  proof_from_the_future: ['proof', 'the DPoP proof is from the future'],
  proof_by_another_key: ['proof', 'the DPoP proof is by another key'],
  proof_replayed: ['proof', 'the DPoP proof was used before'],
  insufficient_scope: ['scope', 'the token lacks a scope'],
  unavailable: ['unavailable', 'the token cannot be judged now'],
} as const satisfies Record<string, readonly [Kind, string]>;

/** The name of a reason: the same as in the logs of the issuer and of the Rust verifier. */
export type Reason = keyof typeof REASONS;

/** The status and the error of each kind; `null` where nothing is said about an error (RFC 6750 §3.1). */
const ANSWERS: Record<Kind, readonly [number, string | null]> = {
  none: [401, null],
  request: [400, 'invalid_request'],
  token: [401, 'invalid_token'],
  proof: [401, 'invalid_dpop_proof'],
  scope: [403, 'insufficient_scope'],
  unavailable: [503, null],
};

/** The algorithms that proofs may be signed with, as challenges list them (RFC 9449 §7.1). */
export const PROOF_ALGORITHMS = 'ES256 EdDSA Ed25519 PS256 RS256 ES384';

/** The answer to a refused request, for any HTTP library. It has no body. */
export interface Challenge {
  status: number;
  headers: Record<string, string>;
}

interface Details {
  /** More for a log than the caller is told. */
  message?: string;
  /** Scopes that would be enough, separated by spaces. */
  scope?: string;
  cause?: unknown;
}

/** A request that is refused. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: Reason;
  readonly #scope: string | undefined;
  #realm = '';
  #schemes: readonly Scheme[] = ['Bearer'];

  constructor(reason: Reason, { message, scope, cause }: Details = {}) {
    super(message ?? REASONS[reason][1], cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.#scope = scope;
  }

  /** The status of the answer. */
  get status(): number {
    return ANSWERS[this.#kind][0];
  }

  /** The answer to the caller. */
  challenge(): Challenge {
    const headers: Record<string, string> = { 'Cache-Control': 'no-store' };
    if (this.#kind === 'unavailable') {
      headers['Retry-After'] = '1';
    } else {
      headers['WWW-Authenticate'] = this.#schemes.map((scheme) => this.#by(scheme)).join(', ');
    }
    return { status: this.status, headers };
  }

  /** @internal The same, of a protection space with this name that takes tokens by these schemes. */
  within(realm: string, schemes: readonly Scheme[]): this {
    this.#realm = realm;
    this.#schemes = schemes;
    return this;
  }

  get #kind(): Kind {
    return REASONS[this.reason][0];
  }

  /** One challenge. A proof that is wrong is no error of those who need none. */
  #by(scheme: Scheme): string {
    const parts = [`realm="${this.#realm}"`];
    const error = ANSWERS[this.#kind][1];
    if (error !== null && !(scheme === 'Bearer' && this.#kind === 'proof')) {
      parts.push(`error="${error}"`, `error_description="${REASONS[this.reason][1]}"`);
    }
    if (this.#scope !== undefined) parts.push(`scope="${this.#scope}"`);
    if (scheme === 'DPoP') parts.push(`algs="${PROOF_ALGORITHMS}"`);
    return `${scheme} ${parts.join(', ')}`;
  }
}
