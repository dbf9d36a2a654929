// What a resource server says of itself (RFC 9728), so that clients find its issuer and scopes by a challenge alone.

import { PROOF_ALGORITHMS } from './refusal.js';
import type { Verifier } from './verifier.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** The metadata of the first audience of a verifier, with the scopes that it has. */
export class ProtectedResource {
  /** Where it is served, below the origin of the resource. */
  readonly path: string;
  /** The whole URL, which challenges name as `resource_metadata` (RFC 9728 §5.1). */
  readonly url: string;
  /** RFC 9728 §2. */
  readonly document: Readonly<Record<string, unknown>>;

  /** Throws a `TypeError` when the audience is no `https` or `http` URL without a query, so that it has no such path. */
  constructor(verifier: Verifier, scopes: readonly string[] = []) {
    const found = /^(https?:\/\/[^/?#@]+)([^?#@]*)$/.exec(verifier.realm);
    if (found === null) throw new TypeError('the first audience is no URL that could have metadata');
    this.path = `${WELL_KNOWN}${(found[2] ?? '').replace(/\/+$/, '')}`;
    this.url = `${found[1]}${this.path}`;
    const { schemes } = verifier;
    this.document = {
      resource: verifier.realm,
      authorization_servers: [verifier.issuer],
      ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
      bearer_methods_supported: ['header'],
      ...(schemes.includes('DPoP') ? { dpop_signing_alg_values_supported: PROOF_ALGORITHMS.split(' ') } : {}),
      dpop_bound_access_tokens_required: !schemes.includes('Bearer'),
    };
  }

  /** The answer at its path. Everybody may know it, and browsers find the issuer by it. */
  answer(): { status: number; headers: Record<string, string>; body: string } {
    const headers = {
      'Content-Type': 'application/json',
      'Cache-Control': 'public, max-age=3600',
      'Access-Control-Allow-Origin': '*',
    };
    return { status: 200, headers, body: JSON.stringify(this.document) };
  }
}
