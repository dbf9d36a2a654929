// The client of the feed: a view that follows it. Nothing runs between requests, because a function may be frozen then.

import { type FeedDocument, FeedRejection, readDocument } from './feed-document.js';
import { type Fetch, fetchWithin, Flight, TIME_LIMIT } from './fetch.js';
import type { PublishedKeys } from './published-keys.js';
import { Refusal } from './refusal.js';
import { RevocationView } from './revocation-view.js';

/** Bounds the memory that a hostile response can take. */
const MAX_FEED_BYTES = 4 * 1024 * 1024;

/** How far a reader goes back each time: a revocation can appear that much later than the time it is recorded under. */
const OVERLAP_SECONDS = 30;

/** How many pages one renewal reads. The next one continues from there. */
const MAX_PAGES = 1000;

export interface FeedSettings {
  /** How often the feed is fetched, in whole seconds. */
  readonly intervalSeconds: number;
  /** How old the view may be. */
  readonly maxAgeSeconds: number;
  /** What happens to valid tokens when it is older: 503, or the verdict of the old view. */
  readonly whenStale: 'fail-closed' | 'fail-open';
}

export interface FeedAccess {
  readonly issuer: string;
  readonly fetch: Fetch;
  readonly clock: () => number;
  readonly keys: PublishedKeys;
}

interface Page extends FeedDocument {
  /** For how many seconds the issuer, or a cache on the way, gives out the same one. */
  readonly freshFor: number | undefined;
}

export class RevocationFeed {
  readonly view = new RevocationView();
  readonly #access: FeedAccess;
  readonly #settings: FeedSettings;
  readonly #flight = new Flight();
  #dueAt = 0;
  #failure: Error | null = null;

  /** Fetches nothing until a token is judged. */
  constructor(access: FeedAccess, settings: FeedSettings) {
    this.#access = access;
    this.#settings = settings;
  }

  isOverdue(now: number): boolean {
    return now >= this.#dueAt;
  }

  /** Renews the view if that is due. Waits for at most the time limit: a view that is far behind catches up meanwhile. */
  async refreshIfOverdue(now: number): Promise<void> {
    if (!this.isOverdue(now)) return;
    const { started, landed } = this.#start(now);
    await within(TIME_LIMIT, landed);
    // What was under way when a function was frozen has failed by the clock.
    if (!started && this.isOverdue(now)) await within(TIME_LIMIT, this.#start(now).landed);
  }

  /** Throws a `Refusal`, `unavailable`, when too little is known to accept a token. */
  checkStaleness(now: number): void {
    const { maxAgeSeconds, whenStale } = this.#settings;
    if (whenStale === 'fail-open' || (this.staleness(now) ?? Infinity) <= maxAgeSeconds) return;
    throw this.whyStale();
  }

  /** The `Refusal` of a token that cannot be judged. */
  whyStale(): Refusal {
    const cause = this.#failure ?? undefined;
    const message = cause ? `revocations are not available: ${cause.message}` : 'the view of revocations is stale';
    return new Refusal('unavailable', { message, cause });
  }

  /** How old the view is, in seconds; `null` while it is cold. */
  staleness(now: number): number | null {
    return this.view.asOf === null ? null : Math.max(now - this.view.asOf, 0);
  }

  #start(now: number): { started: boolean; landed: Promise<void> } {
    return this.#flight.start(() => this.isOverdue(now), () => this.#refresh());
  }

  async #refresh(): Promise<void> {
    const began = this.#access.clock();
    let pause = this.#settings.intervalSeconds;
    try {
      const freshFor = await this.#catchUp();
      pause = Math.min(pause, freshFor ?? pause);
      this.#failure = null;
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      // A key that is about to be published.
      if ((error instanceof FeedRejection || error instanceof Refusal) && error.reason === 'unknown_key') pause = 1;
    }
    this.#dueAt = began + Math.max(pause, 1);
  }

  /** Reads pages until there are no more. Says for how many seconds the last one is fresh. */
  async #catchUp(): Promise<number | undefined> {
    let since = this.#firstCursor();
    let freshFor: number | undefined;
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const page = await this.#page(since);
      // Whoever has stolen a key could sign a feed that does not say that it was withdrawn.
      if (this.view.isWithdrawn(page.keyId, this.#access.clock())) throw new FeedRejection('withdrawn_key');
      if (page.until < (this.view.asOf ?? 0) && !page.more) {
        throw new FeedRejection('older');
      }
      this.view.apply(page.entries, page.until);
      freshFor = page.freshFor;
      if (!page.more) break;
      since = page.until;
    }
    return freshFor;
  }

  /** The end of the view less the overlap, rounded so that a cache on the way can answer several verifiers. */
  #firstCursor(): number {
    const since = Math.max((this.view.asOf ?? 0) - OVERLAP_SECONDS, 0);
    return since - (since % this.#settings.intervalSeconds);
  }

  async #page(since: number): Promise<Page> {
    const { issuer, fetch, clock, keys } = this.#access;
    const url = `${issuer}/oauth2/revocations?since=${since}`;
    const { body, freshFor } = await fetchWithin(fetch, { url, maxBytes: MAX_FEED_BYTES });
    const jws = Buffer.from(body ?? []).toString('latin1');
    const now = clock();
    const document = await keys.prove('feed', (known) => readDocument(jws, known, { issuer, since, now }));
    return { ...document, freshFor };
  }
}

function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const isOver = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return Promise.race([work, isOver]).finally(() => clearTimeout(timer));
}
