// DPoP (RFC 9449): proofs that whoever sends a token holds a key.

import { calculateJwkThumbprint, type JWK } from 'jose';

import { hashOf, HashTable } from './hash-table.js';
import { isOptional, isString, type JsonObject } from './json.js';
import { hasType, parseJws, payloadOf } from './jws.js';
import { isAlgorithmOf, isSecret, isUsableKind, PublicKey } from './public-key.js';
import { type Reason, Refusal } from './refusal.js';
import { sha256 } from './sha256.js';
import { isSameUrl } from './url.js';

/** How far `iat` may be from the time of the check, in seconds, either way. */
const LEEWAY_SECONDS = 60;

/** The longest proof, and the longest `jti`, in bytes. */
const MAX_PROOF_BYTES = 8192;
const MAX_ID_BYTES = 512;

/**
 * 4096 bits in base64url. Whoever brings a key chooses what its verification costs: this bounds it, as nobody has registered
 * the key.
 */
const LONGEST_MODULUS = 683;

function isLong({ n }: JsonObject): boolean {
  return isString(n) && n.length > LONGEST_MODULUS;
}

/** RFC 9449 §4.2. */
interface ProofClaims extends JsonObject {
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  readonly iat: number;
  readonly ath?: string | null;
}

/** What a proof must agree with (RFC 9449 §4.3). */
export interface ExpectedProof {
  readonly method: string;
  readonly url: string;
  readonly token: string;
  readonly now: number;
}

/** A proof whose signature was verified with the key that it brings. */
export class Proof {
  private constructor(
    /** The RFC 7638 thumbprint of the key (`jkt`). */
    readonly key: string,
    readonly claims: ProofClaims,
  ) {}

  /** Takes the proof from all `DPoP` headers of one request, and verifies its signature. Throws a `Refusal`. */
  static async fromHeaders(values: readonly string[]): Promise<Proof> {
    const [value] = values;
    if (value === undefined) throw new Refusal('missing_proof');
    // A gateway joins repeated headers with a comma, which no proof contains.
    if (values.length > 1 || value.includes(',')) throw new Refusal('repeated_proof');
    return Proof.parse(value.replace(/^[ \t\n\f\r]+|[ \t\n\f\r]+$/g, ''));
  }

  static async parse(text: string): Promise<Proof> {
    if (Buffer.byteLength(text) > MAX_PROOF_BYTES) throw new Refusal('malformed_proof');
    const jws = asProof(() => parseJws(text));
    const { header } = jws;
    const jwk = header.jwk;
    if (jwk === null || isSecret(jwk) || isLong(jwk) || !isUsableKind(jwk)) throw new Refusal('proof_with_unusable_key');
    const isOfKey = isAlgorithmOf(jwk, header.alg);
    const key = await PublicKey.parse(jwk, isOfKey ? header.alg : algorithmFor(jwk));
    if (key === null) throw new Refusal('proof_with_unusable_key');
    // Exactly this type, so that nothing else that a client signs is a proof (RFC 8725 §3.11).
    if (!hasType(header, 'dpop+jwt')) throw new Refusal('wrong_proof_type');
    if (!isOfKey) throw new Refusal('wrong_proof_algorithm');
    const verified = await key.verified(text);
    if (verified === null) throw new Refusal('bad_proof_signature');
    return new Proof(await calculateJwkThumbprint(jwk as JWK), claimsOf(asProof(() => payloadOf(jws, verified))));
  }

  /** Judges the proof as one for this request. Throws the first `Refusal` of method, URL, token and time. */
  check({ method, url, token, now }: ExpectedProof): void {
    const { htm, htu, ath, iat } = this.claims;
    if (htm !== method) throw new Refusal('proof_for_another_method');
    if (!isSameUrl(htu, url)) throw new Refusal('proof_for_another_url');
    if (ath !== sha256(token, 'base64url')) throw new Refusal('proof_for_another_token');
    const made = Math.floor(iat);
    if (made > now + LEEWAY_SECONDS) throw new Refusal('proof_from_the_future');
    if (made + LEEWAY_SECONDS < now) throw new Refusal('proof_too_old');
  }
}

/** An algorithm by which the key can be imported at all, to find out whether it is one. */
function algorithmFor(jwk: JsonObject): string {
  const all = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
  return all.find((alg) => isAlgorithmOf(jwk, alg)) ?? '';
}

function claimsOf(claims: JsonObject): ProofClaims {
  const { jti, htm, htu, iat, ath, nonce } = claims;
  const isWellFormed = [jti, htm, htu].every(isString) && isOptional(ath, isString) && isOptional(nonce, isString);
  const hasTime = typeof iat === 'number' && Number.isFinite(iat) && iat >= 0;
  const length = isString(jti) ? Buffer.byteLength(jti) : 0;
  if (!isWellFormed || !hasTime || length < 1 || length > MAX_ID_BYTES) throw new Refusal('malformed_proof');
  return claims as ProofClaims;
}

/** Whatever is wrong with the form of a JWS is a malformed proof. */
function asProof<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason: Reason = 'malformed_proof';
    throw error instanceof Refusal ? new Refusal(reason) : error;
  }
}

/** The proofs that this process has accepted, for as long as they could be sent again. Other processes do not know of them. */
export class SeenProofs {
  readonly #hashes = new HashTable();
  #cleanedAt = 0;

  /** Notes a proof that is accepted at `now`. False when it was accepted before. */
  note({ key, claims }: Proof, now: number): boolean {
    if (now > this.#cleanedAt) {
      this.#hashes.forgetExpired(now);
      this.#cleanedAt = now;
    }
    const hash = hashOf(`${key} ${claims.jti}`);
    if (this.#hashes.value(hash, now) >= 0) return false;
    // From the earliest to the latest second at which it could be accepted, both included.
    this.#hashes.insert(hash, 0, now + 2 * LEEWAY_SECONDS, now);
    return true;
  }
}
