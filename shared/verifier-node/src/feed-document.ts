// A document of the revocation feed: the payload of a JWS that the issuer has signed.

import { CLOCK_SKEW_SECONDS } from './claims.js';
import { isCount, isString, type JsonObject } from './json.js';
import { type Reason, Refusal } from './refusal.js';
import { parseRevocation, type Revocation, revocationHash } from './revocation-view.js';
import type { VerificationKeys } from './verification-keys.js';

/** The `typ` of a feed document, so that it is never taken for a token. */
export const FEED_TYPE = 'tokensmith-revocations+jwt';

export interface FeedDocument {
  /** The key that signed it. */
  readonly keyId: string;
  /** It is complete up to this moment, which is the next cursor. */
  readonly until: number;
  /** Whether more can be read at once. */
  readonly more: boolean;
  readonly entries: readonly Revocation[];
}

const OWN_REASONS = {
  gap: 'the revocation feed has a gap',
  no_progress: 'the revocation feed makes no progress',
  from_the_future: 'the revocation feed ends after it was made',
  older: 'the revocation feed is older than what is known',
} as const;

type FeedReason = Reason | keyof typeof OWN_REASONS;

/** A document is not accepted. */
export class FeedRejection extends Error {
  constructor(readonly reason: FeedReason) {
    super(reason in OWN_REASONS ? OWN_REASONS[reason as keyof typeof OWN_REASONS] : notAccepted(reason as Reason));
  }
}

function notAccepted(reason: Reason): string {
  return `the revocation feed is not accepted: ${new Refusal(reason).message}`;
}

/** What was asked for, and when the answer is judged. */
interface Asked {
  readonly issuer: string;
  readonly since: number;
  readonly now: number;
}

/** The document in a JWS, once its signature was verified and it fits the request. Throws a `FeedRejection`. */
export async function readDocument(jws: string, keys: VerificationKeys, asked: Asked): Promise<FeedDocument> {
  const { keyId, payload } = await keys.signedPayload(jws, FEED_TYPE);
  const { iss, iat, exp, from, until, more } = payload;
  const isWellFormed = isString(iss) && [iat, exp, from, until].every(isCount) && typeof more === 'boolean';
  const entries = entriesOf(payload);
  if (!isWellFormed || entries === null) throw new FeedRejection('malformed');
  const wrong = problemOf(payload as unknown as Times, asked);
  if (wrong !== null) throw new FeedRejection(wrong);
  // Whoever has stolen a key can sign with it. The issuer does not sign with a withdrawn one.
  const own = revocationHash('key', keyId);
  if (entries.some(({ hash }) => hash.every((word, index) => word === own[index]))) throw new FeedRejection('withdrawn_key');
  return { keyId, until: until as number, more, entries };
}

interface Times {
  readonly iss: string;
  readonly iat: number;
  readonly exp: number;
  readonly from: number;
  readonly until: number;
  readonly more: boolean;
}

function problemOf({ iss, iat, exp, from, until, more }: Times, { issuer, since, now }: Asked): FeedReason | null {
  if (iss !== issuer) return 'wrong_issuer';
  if (now >= exp + CLOCK_SKEW_SECONDS) return 'expired';
  if (iat > now + CLOCK_SKEW_SECONDS) return 'not_yet_valid';
  if (from > since) return 'gap';
  if (until < since || (more && until === since)) return 'no_progress';
  return until > iat ? 'from_the_future' : null;
}

function entriesOf({ entries }: JsonObject): Revocation[] | null {
  if (!Array.isArray(entries)) return null;
  const parsed = entries.map(parseRevocation);
  return parsed.every((entry) => entry !== null) ? parsed : null;
}
