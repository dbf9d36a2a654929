// The token of a request as it was sent (RFC 6750 §2.1, RFC 9449 §7.1). Nothing of it is verified here.

import { Refusal, type Scheme } from './refusal.js';

/** The longest token that is parsed, in bytes. Bounds the work that a hostile token can cause. */
export const MAX_TOKEN_BYTES = 8192;

/** The values of a header that may be repeated. */
export type HeaderValues = string | readonly string[] | null | undefined;

export function valuesOf(header: HeaderValues): readonly string[] {
  if (header === null || header === undefined) return [];
  return typeof header === 'string' ? [header] : header;
}

/**
 * The token from the values of all `Authorization` headers of one request. Tokens in the body or the query are ignored, because
 * OAuth 2.1 allows neither. Throws a `Refusal`.
 */
export function sentToken(values: readonly string[]): { scheme: Scheme; token: string } {
  const [first] = values;
  if (first === undefined) throw new Refusal('no_token');
  if (values.length > 1) throw new Refusal('repeated_header');
  const value = first.replace(/^[ \t\n\f\r]+|[ \t\n\f\r]+$/g, '');
  const space = value.indexOf(' ');
  const scheme = schemeCalled(space < 0 ? value : value.slice(0, space));
  const token = space < 0 ? '' : value.slice(space).replace(/^[ \t\n\f\r]+/, '');
  if (Buffer.byteLength(token) > MAX_TOKEN_BYTES) throw new Refusal('too_long');
  // RFC 6750 §2.1.
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) throw new Refusal('malformed_header');
  return { scheme, token };
}

/** Schemes ignore case (RFC 9110 §11.1). */
function schemeCalled(name: string): Scheme {
  switch (name.toLowerCase()) {
    case 'bearer':
      return 'Bearer';
    case 'dpop':
      return 'DPoP';
    default:
      throw new Refusal('no_token');
  }
}
