// Public keys, as JWKs (RFC 7517): which can be used, and by which algorithms.

import { compactVerify, type CryptoKey, errors, importJWK, type JWK } from 'jose';

import { fromBase64url, isString, type JsonObject } from './json.js';

/** A type of key, with its curve (RFC 7518 §6, RFC 8037 §2). */
type Kind = 'RSA' | 'P-256' | 'P-384' | 'Ed25519';

/** Every name of an algorithm with the kind of its keys. EdDSA has two (RFC 9864 §2.2). */
const ALGORITHMS: ReadonlyMap<string, Kind> = new Map([
  ['RS256', 'RSA'],
  ['PS256', 'RSA'],
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
  ['EdDSA', 'Ed25519'],
  ['Ed25519', 'Ed25519'],
]);

/** The length of a coordinate in bytes. */
const COORDINATES: Record<Exclude<Kind, 'RSA'>, number> = { 'P-256': 32, 'P-384': 48, Ed25519: 32 };

/** The members of private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
const SECRET = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Whether it is a private or a symmetric key. */
export function isSecret(jwk: JsonObject): boolean {
  return SECRET.some((name) => name in jwk);
}

/** A public key that verifies the signatures of one algorithm. */
export class PublicKey {
  readonly #key: CryptoKey;
  readonly #options: { algorithms: string[] };

  private constructor(key: CryptoKey, names: string[]) {
    this.#key = key;
    this.#options = { algorithms: names };
  }

  /**
   * The key; `null` when the JWK is not for signatures (RFC 7517 §4.2) by this algorithm, or its members are not a key. The key
   * decides about the algorithm: what it names is the only one, and its type must fit (RFC 8725 §3.1).
   */
  static async parse(jwk: JsonObject, alg: string): Promise<PublicKey | null> {
    if (jwk['use'] !== undefined && jwk['use'] !== null && jwk['use'] !== 'sig') return null;
    if (!isAlgorithmOf(jwk, alg)) return null;
    const members = membersOf(jwk, kindOf(jwk));
    if (members === null) return null;
    try {
      const key = (await importJWK(members, alg)) as CryptoKey;
      return new PublicKey(key, alg === 'EdDSA' || alg === 'Ed25519' ? ['EdDSA', 'Ed25519'] : [alg]);
    } catch {
      // It is not on its curve.
      return null;
    }
  }

  /** The payload of a JWS; `null` when its signature is not by this key, or its `alg` is not the key's. */
  async verified(jws: string): Promise<Uint8Array | null> {
    try {
      return (await compactVerify(jws, this.#key, this.#options)).payload;
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return null;
      throw error;
    }
  }
}

/** Whether the key can be used, whatever it is used for. */
export function isUsableKind(jwk: JsonObject): boolean {
  const { alg } = jwk;
  const kind = kindOf(jwk);
  const isNamed = alg !== undefined && alg !== null;
  return kind !== null && (!isNamed || (isString(alg) && ALGORITHMS.get(alg) === kind));
}

/** Whether the key verifies the algorithm of this name. */
export function isAlgorithmOf(jwk: JsonObject, name: string): boolean {
  const named = jwk['alg'];
  const isOnly = named === undefined || named === null || sameAlgorithm(named, name);
  return isOnly && ALGORITHMS.has(name) && ALGORITHMS.get(name) === kindOf(jwk);
}

function sameAlgorithm(one: unknown, other: string): boolean {
  return one === other || (ALGORITHMS.get(other) === 'Ed25519' && ALGORITHMS.get(String(one)) === 'Ed25519');
}

function kindOf(jwk: JsonObject): Kind | null {
  const { kty, crv } = jwk;
  if (kty === 'RSA') return 'RSA';
  if (kty === 'EC' && (crv === 'P-256' || crv === 'P-384')) return crv;
  return kty === 'OKP' && crv === 'Ed25519' ? crv : null;
}

/** The members that make the key, and no others; `null` when they do not. */
function membersOf(jwk: JsonObject, kind: Kind | null): JWK | null {
  const { n, e, x, y } = jwk;
  if (kind === 'RSA') return isModulus(n) && isExponent(e) ? { kty: 'RSA', n, e } : null;
  if (kind === null || !isCoordinate(x, COORDINATES[kind])) return null;
  if (kind === 'Ed25519') return { kty: 'OKP', crv: kind, x };
  return isCoordinate(y, COORDINATES[kind]) ? { kty: 'EC', crv: kind, x, y } : null;
}

function isCoordinate(value: unknown, length: number): value is string {
  return isString(value) && fromBase64url(value)?.length === length;
}

/** RFC 7518 §3.3: 2048 bits or more. The upper end bounds the time that a hostile key can make each verification take. */
function isModulus(value: unknown): value is string {
  const number = isString(value) ? fromBase64url(value) : null;
  const first = number?.[0];
  if (number === null || first === undefined || first === 0) return false;
  const bits = number.length * 8 - (Math.clz32(first) - 24);
  return bits >= 2048 && bits <= 8192 && isOdd(number);
}

function isExponent(value: unknown): value is string {
  const number = isString(value) ? fromBase64url(value) : null;
  const isShort = number !== null && number.length >= 1 && number.length <= 4;
  return isShort && number[0] !== 0 && isOdd(number) && !(number.length === 1 && number[0] === 1);
}

function isOdd(number: Buffer): boolean {
  return ((number.at(-1) ?? 0) & 1) === 1;
}
