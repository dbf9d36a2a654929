// The published keys of an issuer, parsed once and ready to verify.

import { isObject, isString, type JsonObject, parseObject } from './json.js';
import { hasType, parseJws, payloadOf } from './jws.js';
import { PublicKey } from './public-key.js';
import { Refusal } from './refusal.js';

/** The algorithms that tokensmith signs with. Newer libraries call EdDSA Ed25519; tokensmith never does. */
const SIGNING_ALGORITHMS = new Set(['RS256', 'PS256', 'ES256', 'EdDSA']);

interface NamedKey {
  readonly alg: string;
  readonly key: PublicKey;
}

/** What a key has signed. */
export interface Signed {
  readonly keyId: string;
  readonly payload: JsonObject;
}

export class VerificationKeys {
  readonly #keys: ReadonlyMap<string, NamedKey>;

  private constructor(keys: ReadonlyMap<string, NamedKey>) {
    this.#keys = keys;
  }

  /**
   * Parses the keys of a JWK Set document that can be used, and ignores those of an unknown algorithm, type or use (RFC 7517
   * §5); `null` when there is none.
   */
  static async usableIn(document: Uint8Array): Promise<VerificationKeys | null> {
    const published = parseObject(document)?.['keys'];
    if (!Array.isArray(published)) return null;
    const keys = new Map<string, NamedKey>();
    for (const jwk of published) {
      const found = isObject(jwk) ? await namedKey(jwk) : null;
      if (found !== null) keys.set(...found);
    }
    return keys.size === 0 ? null : new VerificationKeys(keys);
  }

  /**
   * The payload of a JWS of this type, once its signature was verified. The algorithm is the key's own. The header's `alg` must
   * agree with it and never chooses it (RFC 8725 §3.1). Throws a `Refusal`.
   */
  async signedPayload(token: string, typ: string): Promise<Signed> {
    const jws = parseJws(token);
    const { header } = jws;
    if (header.jwk !== null) throw new Refusal('unsupported_header');
    if (!hasType(header, typ)) throw new Refusal('wrong_type');
    const named = header.kid === null ? undefined : this.#keys.get(header.kid);
    if (named === undefined || header.kid === null) throw new Refusal('unknown_key');
    if (named.alg !== header.alg) throw new Refusal('wrong_algorithm');
    const verified = await named.key.verified(token);
    if (verified === null) throw new Refusal('bad_signature');
    return { keyId: header.kid, payload: payloadOf(jws, verified) };
  }
}

/** A usable key with its name. It says that it is for signatures, and by which algorithm, as every key of tokensmith does. */
async function namedKey(jwk: JsonObject): Promise<[string, NamedKey] | null> {
  const { kid, alg, use } = jwk;
  if (!isString(kid) || !isString(alg) || !SIGNING_ALGORITHMS.has(alg) || use !== 'sig') return null;
  const key = await PublicKey.parse(jwk, alg);
  return key === null ? null : [kid, { alg, key }];
}
