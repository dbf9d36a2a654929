// What a verifier is told, once it was checked.

import type { Fetch } from './fetch.js';
import type { Refusal, Scheme } from './refusal.js';
import type { FeedSettings } from './revocation-feed.js';
import { isOrigin, isProtected } from './url.js';

export interface VerifierOptions {
  /** The issuer URL, which must equal the tokens' `iss`. */
  issuer: string;
  /** The resource, or the resources, that tokens must be for (`aud`). Challenges name the first. */
  audience: string | readonly string[];
  /** The URL of the keys, if it is not `{issuer}/.well-known/jwks.json`. */
  jwksUrl?: string | undefined;
  /** Whether the revocation feed is followed. Without it, a revoked token is accepted until it expires. */
  revocations?: boolean | Partial<FeedSettings> | undefined;
  /** Whether tokens that are bound to a key are taken as well, or no others. */
  dpop?: false | 'optional' | 'required' | undefined;
  /** What fetches, instead of Node's own `fetch`. */
  fetch?: Fetch | undefined;
  /** The time in seconds since 1970, for tests. */
  clock?: (() => number) | undefined;
  /** Is told of every refusal, for a log or a metric. */
  onRefusal?: ((refusal: Refusal) => void) | undefined;
}

export interface Settings {
  readonly issuer: string;
  readonly audiences: readonly [string, ...string[]];
  readonly jwksUrl: string;
  readonly feed: FeedSettings | null;
  readonly schemes: readonly Scheme[];
  readonly fetch: Fetch;
  readonly clock: () => number;
  readonly onRefusal: (refusal: Refusal) => void;
}

const FEED: FeedSettings = { intervalSeconds: 5, maxAgeSeconds: 120, whenStale: 'fail-closed' };

const SCHEMES: Record<'false' | 'optional' | 'required', readonly Scheme[]> = {
  false: ['Bearer'],
  optional: ['DPoP', 'Bearer'],
  required: ['DPoP'],
};

/** Throws a `TypeError` that says what is wrong. */
export function settingsOf(options: VerifierOptions): Settings {
  const issuer = String(options.issuer).replace(/\/$/, '');
  if (!isOrigin(issuer)) {
    throw new TypeError('an issuer URL is https://HOST[:PORT] without path or query (http only on loopback)');
  }
  const jwksUrl = options.jwksUrl ?? `${issuer}/.well-known/jwks.json`;
  if (!isProtected(jwksUrl)) throw new TypeError('the URL of the keys is neither https nor http on loopback');
  const schemes = SCHEMES[`${options.dpop ?? false}`];
  if (schemes === undefined) throw new TypeError('dpop is false, optional or required');
  const clock = options.clock ?? (() => Date.now() / 1000);
  return {
    issuer,
    audiences: audiencesOf(options.audience),
    jwksUrl,
    feed: feedOf(options.revocations ?? true),
    schemes,
    fetch: options.fetch ?? globalThis.fetch,
    clock: () => Math.floor(clock()),
    onRefusal: options.onRefusal ?? (() => undefined),
  };
}

/** What stands between quotes in a challenge. Required, so that a token for another resource is not accepted here. */
function audiencesOf(audience: string | readonly string[]): readonly [string, ...string[]] {
  const [first, ...others] = typeof audience === 'string' ? [audience] : (audience ?? []);
  if (first === undefined) throw new TypeError('an audience is required');
  if (![first, ...others].every((one) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one))) {
    throw new TypeError('an audience is printable ASCII without space, quote or backslash');
  }
  return [first, ...others];
}

function feedOf(revocations: boolean | Partial<FeedSettings>): FeedSettings | null {
  if (revocations === false) return null;
  const feed = { ...FEED, ...(revocations === true ? {} : revocations) };
  const { intervalSeconds, maxAgeSeconds, whenStale } = feed;
  if (!Number.isInteger(intervalSeconds) || intervalSeconds < 1 || !(maxAgeSeconds >= 0)) {
    throw new TypeError('the interval of the feed is whole seconds, at least one, and its age no less than none');
  }
  if (whenStale !== 'fail-closed' && whenStale !== 'fail-open') {
    throw new TypeError('whenStale is fail-closed or fail-open');
  }
  return feed;
}
