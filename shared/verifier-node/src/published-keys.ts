// The issuer's published keys. They are kept while they are fresh, renewed by one fetch at a time, and still used in an outage.

import { type Fetch, fetchWithin, FetchError, Flight } from './fetch.js';
import { Refusal } from './refusal.js';
import { VerificationKeys } from './verification-keys.js';

/** Far more than the keys of one issuer need. Bounds the memory that a wrong or hostile response can take. */
const MAX_JWKS_BYTES = 64 * 1024;

/** The issuer's own `max-age`, for when a proxy has removed `Cache-Control`; and the bounds of what it may say. */
const LIFETIME = { default: 300, min: 30, max: 3600 };

/** The least time between two fetches for unknown keys of tokens, and between two attempts to renew. */
const COOLDOWN = 30;

/** How long keys are used without an answer of the issuer. */
const MAX_AGE = 24 * 60 * 60;

/** The same as the cooldown, for the feed: it is signed by a new key as soon as an old one is withdrawn. */
const PAUSE_FOR_FEED = 1;

/** The pause between two attempts while there are no keys and no request can be answered. */
const PAUSE_WITHOUT_KEYS = 1;

/** What names a key: a token, which anybody can make up, or the feed, which the issuer itself has sent. */
export type NamedBy = 'token' | 'feed';

interface FetchedKeys {
  readonly keys: VerificationKeys;
  readonly etag: string | undefined;
  readonly confirmedAt: number;
  readonly lifetime: number;
}

export class PublishedKeys {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #clock: () => number;
  readonly #flight = new Flight();
  readonly #soughtAt: Record<NamedBy, number> = { token: -Infinity, feed: -Infinity };
  #good: FetchedKeys | null = null;
  #failure: { at: number; error: FetchError } | null = null;

  /** Fetches nothing until a key is needed. */
  constructor(url: string, fetch: Fetch, clock: () => number) {
    this.#url = url;
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /**
   * Checks a signature with the current keys. If it names a key that is not among them, checks once more with newer keys.
   * Throws the `Refusal` of the check, or a `FetchError` when there are no keys to check with.
   */
  async prove<T>(namedBy: NamedBy, check: (keys: VerificationKeys) => Promise<T>): Promise<T> {
    const keys = this.#freshKeys() ?? (await this.#current());
    try {
      return await check(keys);
    } catch (error) {
      if (!(error instanceof Refusal) || error.reason !== 'unknown_key') throw error;
    }
    return check(await this.#newerThan(keys, namedBy));
  }

  /** Makes sure that there are keys. Throws a `FetchError` when there are none, and none can be fetched. */
  async fetched(): Promise<void> {
    if (this.#freshKeys() === null) await this.#current();
  }

  #freshKeys(): VerificationKeys | null {
    const good = this.#good;
    return good !== null && this.#lifetimes(this.#clock()) === 0 ? good.keys : null;
  }

  /**
   * Keys that are no longer fresh are renewed in the background. A function that is frozen between requests may never finish
   * that, so when keys are older than two lifetimes, the request that starts the renewal waits for it.
   */
  async #current(): Promise<VerificationKeys> {
    const now = this.#clock();
    const keys = this.#usable(now);
    const { started, landed } = this.#flight.start(() => this.#mayRenew(now), () => this.#refresh());
    if (keys !== null && this.#lifetimes(now) === 1) return keys;
    if (keys === null || started) await landed;
    const newer = this.#usable(this.#clock());
    if (newer === null) throw this.#whyNone();
    return newer;
  }

  /** The keys to use after something named one that is not in `seen`. */
  async #newerThan(seen: VerificationKeys, namedBy: NamedBy): Promise<VerificationKeys> {
    const now = this.#clock();
    const pause = namedBy === 'token' ? COOLDOWN : PAUSE_FOR_FEED;
    const isNeeded = () => this.#good?.keys === seen && now >= this.#soughtAt[namedBy] + pause;
    const work = async () => {
      await this.#refresh();
      this.#soughtAt[namedBy] = this.#clock();
    };
    await this.#flight.start(isNeeded, work).landed;
    if (this.#good !== null && this.#good.keys !== seen) return this.#good.keys;
    // While the issuer does not answer, it is unknown whether the key exists.
    if (this.#failure !== null) throw this.#failure.error;
    return seen;
  }

  #usable(now: number): VerificationKeys | null {
    return this.#good !== null && age(this.#good, now) < MAX_AGE ? this.#good.keys : null;
  }

  /** The age of the last keys in whole lifetimes: 0 means that they are fresh. */
  #lifetimes(now: number): number {
    return this.#good === null ? 0 : Math.floor(age(this.#good, now) / this.#good.lifetime);
  }

  #mayRenew(now: number): boolean {
    const hasKeys = this.#usable(now) !== null;
    if (hasKeys && this.#lifetimes(now) === 0) return false;
    const pause = hasKeys ? COOLDOWN : PAUSE_WITHOUT_KEYS;
    return this.#failure === null || now >= this.#failure.at + pause;
  }

  #whyNone(): FetchError {
    return this.#failure?.error ?? new FetchError('the keys were never fetched');
  }

  async #refresh(): Promise<void> {
    try {
      this.#good = await this.#load();
      this.#failure = null;
    } catch (error) {
      const known = error instanceof FetchError ? error : new FetchError(String(error), { cause: error });
      this.#failure = { at: this.#clock(), error: known };
    }
  }

  async #load(): Promise<FetchedKeys> {
    // The time of the request. The answer is no older than this.
    const confirmedAt = this.#clock();
    const known = this.#good;
    const request = { url: this.#url, etag: known?.etag, maxBytes: MAX_JWKS_BYTES };
    const { body, etag, freshFor } = await fetchWithin(this.#fetch, request);
    const said = freshFor ?? LIFETIME.default;
    const lifetime = Math.min(Math.max(said, LIFETIME.min), LIFETIME.max);
    if (body === null && known !== null) return { ...known, confirmedAt, lifetime };
    const keys = body && (await VerificationKeys.usableIn(body));
    if (!keys) throw new FetchError('the key set has no key that can be used');
    return { keys, etag, confirmedAt, lifetime };
  }
}

function age(keys: FetchedKeys, now: number): number {
  return Math.max(now - keys.confirmedAt, 0);
}
