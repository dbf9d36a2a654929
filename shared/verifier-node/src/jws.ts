// A JWS in compact form (RFC 7515 §7.1). Nothing of it is verified here.

import { fromBase64url, isBase64url, isObject, isOptional, isString, type JsonObject, parseObject } from './json.js';
import { Refusal } from './refusal.js';

/** The members of a JOSE header that verification uses; others are ignored (RFC 7515 §4). */
export interface Header {
  readonly alg: string;
  readonly kid: string | null;
  readonly typ: string | null;
  readonly jwk: JsonObject | null;
  /** Whether it requires an extension. */
  readonly isCritical: boolean;
}

export interface UnverifiedJws {
  readonly header: Header;
  /** The payload as it was sent. */
  readonly payload: string;
}

/** Tokens of one key have one header, which is decoded once. */
const seen = new Map<string, Header>();
const MAX_SEEN = 64;

/** Throws a `Refusal`, `malformed` or `unsupported_header`. */
export function parseJws(token: string): UnverifiedJws {
  const parts = token.split('.', 4);
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || !isBase64url(signature as string)) throw new Refusal('malformed');
  const parsed = parseHeader(header as string);
  if (parsed.isCritical) throw new Refusal('unsupported_header');
  return { header: parsed, payload: payload as string };
}

function parseHeader(text: string): Header {
  const known = seen.get(text);
  if (known !== undefined) return known;
  const bytes = fromBase64url(text);
  const members = bytes && parseObject(bytes);
  if (!members) throw new Refusal('malformed');
  const { alg, kid, typ, jwk, crit } = members;
  if (!isString(alg) || !isOptional(kid, isString) || !isOptional(typ, isString) || !isOptional(jwk, isObject)) {
    throw new Refusal('malformed');
  }
  const isCritical = crit !== undefined && crit !== null;
  const header = { alg, kid: kid ?? null, typ: typ ?? null, jwk: jwk ?? null, isCritical };
  // Headers with a key of their own are as many as their senders like.
  if (header.jwk === null) {
    if (seen.size >= MAX_SEEN) seen.clear();
    seen.set(text, header);
  }
  return header;
}

/** The verified payload as a JSON object. Throws a `Refusal`, `malformed`. */
export function payloadOf({ payload }: UnverifiedJws, verified: Uint8Array): JsonObject {
  // jose decodes what is not the only spelling of its bytes, too.
  const members = isBase64url(payload) ? parseObject(verified) : null;
  if (members === null) throw new Refusal('malformed');
  return members;
}

/** Whether `typ` is `expected`, with or without `application/` (RFC 7515 §4.1.9); media types ignore case. */
export function hasType({ typ }: Header, expected: string): boolean {
  return typ !== null && typ.replace(/^application\//i, '').toLowerCase() === expected;
}
