// What the adapters of web frameworks have in common.

import type { IncomingMessage } from 'node:http';

import type { HeaderValues } from './authorization.js';
import type { Claims } from './claims.js';
import type { ProtectedResource } from './protected-resource.js';
import { type Challenge, Refusal } from './refusal.js';
import { RequiredScopes } from './scopes.js';
import type { Verifier } from './verifier.js';

/** How requests are protected. `R` is what the framework calls a request. */
export interface Protection<R> {
  verifier: Verifier;
  /** The scopes that a token must have, such as `orders:read & (orders:write | admin)`; without them, any valid token will do. */
  scopes?: string | undefined;
  /**
   * Needed where the verifier checks proofs: what stands before the path in the URLs that callers know, such as
   * `https://api.example`; or what makes the whole URL of a request. It must not come from a `Host` header that nobody has checked.
   */
  url?: string | ((request: R) => string) | undefined;
  /** What challenges name as `resource_metadata` (RFC 9728 §5.1). */
  resource?: ProtectedResource | undefined;
}

/** What of a request an adapter reads. */
export interface Read {
  readonly method: string;
  /** The path as it was sent, with or without the query. */
  readonly path: string;
  readonly authorization: HeaderValues;
  readonly dpop: HeaderValues;
}

/** What authorizes requests; wrong options throw here, and not with the first request. */
export function authorizer<R>({ verifier, scopes, url }: Protection<R>): (request: R, read: Read) => Promise<Claims> {
  if (verifier.schemes.includes('DPoP') && url === undefined) {
    throw new TypeError('a verifier that checks proofs must be told the url that callers know');
  }
  const required = new RequiredScopes(scopes);
  const base = typeof url === 'string' ? url.replace(/\/$/, '') : '';
  return (request, { method, path, authorization, dpop }) => {
    const known = typeof url === 'function' ? url(request) : `${base}${path.split('?', 1)[0]}`;
    return verifier.authorize({ method, authorization, dpop, url: url === undefined ? undefined : known }, required);
  };
}

/** The answer to a refused request. What is no refusal is thrown on. */
export function answerTo(error: unknown, resource: ProtectedResource | undefined): Challenge {
  if (!(error instanceof Refusal)) throw error;
  const { status, headers } = error.challenge();
  const challenge = headers['WWW-Authenticate'];
  if (resource !== undefined && challenge !== undefined) {
    headers['WWW-Authenticate'] = `${challenge}, resource_metadata="${resource.url}"`;
  }
  return { status, headers };
}

/** The headers of a request of Node. Those of HTTP/2, and what frameworks make up for tests, do not have them apart. */
export function headersOf({ headersDistinct, headers }: IncomingMessage): Pick<Read, 'authorization' | 'dpop'> {
  const { authorization, dpop } = headersDistinct ?? headers;
  return { authorization, dpop };
}
