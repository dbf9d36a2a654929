// How documents of the issuer are fetched, with the limits on URL, time and size that hold whatever client does it.

import { isProtected } from './url.js';

/** What fetches: the `fetch` of Node, or another with the same answer. It must not follow redirects when told so. */
export type Fetch = (
  url: string,
  init: { headers: Record<string, string>; redirect: 'manual'; signal: AbortSignal },
) => Promise<Response>;

/** The longest that one fetch may take, in milliseconds. */
export const TIME_LIMIT = 2000;

const USER_AGENT = 'tokensmith/0.2.0';

/** There is no document. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
}

export interface FetchRequest {
  /** https, or http on loopback. */
  readonly url: string;
  /** The tag of the copy that the verifier has. */
  readonly etag?: string | undefined;
  /** The longest body that is accepted, in bytes. */
  readonly maxBytes: number;
}

export interface Fetched {
  /** `null` when the copy that the verifier has is still current (304). */
  readonly body: Uint8Array | null;
  readonly etag: string | undefined;
  /** For how many more seconds it is fresh, if the headers say so. */
  readonly freshFor: number | undefined;
}

/** Fetches one document. Throws a `FetchError` when a limit is not kept, and for everything but 200 and 304. */
export async function fetchWithin(fetch: Fetch, request: FetchRequest): Promise<Fetched> {
  if (!isProtected(request.url)) throw new FetchError('the URL is neither https nor http on loopback');
  const aborter = new AbortController();
  const answer = read(fetch, request, aborter.signal);
  // A client of the embedder's own may not heed the signal.
  const [isOver, timer] = timeLimit();
  try {
    return await Promise.race([answer, isOver]);
  } catch (error) {
    answer.catch(() => undefined);
    aborter.abort();
    throw error instanceof FetchError ? error : new FetchError(textOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function timeLimit(): [Promise<never>, NodeJS.Timeout | undefined] {
  let timer: NodeJS.Timeout | undefined;
  const isOver = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new FetchError('no answer within the time limit')), TIME_LIMIT);
  });
  return [isOver, timer];
}

async function read(fetch: Fetch, request: FetchRequest, signal: AbortSignal): Promise<Fetched> {
  const headers: Record<string, string> = { Accept: '*/*', 'User-Agent': USER_AGENT };
  if (request.etag !== undefined) headers['If-None-Match'] = request.etag;
  const response = await fetch(request.url, { headers, redirect: 'manual', signal });
  const isUnchanged = response.status === 304 && request.etag !== undefined;
  if (response.status !== 200 && !isUnchanged) {
    // What is not read would hold the connection.
    await response.body?.cancel();
    throw new FetchError(`the answer has status ${response.status}`);
  }
  return {
    body: isUnchanged ? null : await bodyOf(response, request.maxBytes),
    etag: response.headers.get('etag') ?? undefined,
    freshFor: freshFor(response.headers.get('cache-control'), response.headers.get('age')),
  };
}

async function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw new FetchError('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** For how many more seconds a document is fresh (RFC 9111 §4.2): `max-age` less `Age`. */
export function freshFor(cacheControl: string | null, age: string | null): number | undefined {
  let maxAge: number | undefined;
  for (const directive of (cacheControl ?? '').split(',')) {
    const [name = '', value = ''] = directive.trim().split(/=(.*)/s);
    const lowercase = name.toLowerCase();
    if (lowercase === 'no-store' || lowercase === 'no-cache') return 0;
    if (lowercase === 'max-age') maxAge ??= seconds(value);
  }
  return maxAge === undefined ? undefined : Math.max(maxAge - (seconds(age ?? '') ?? 0), 0);
}

function seconds(text: string): number | undefined {
  const digits = text.trim().replace(/^"+|"+$/g, '');
  return /^[0-9]{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** The text of an error with its causes, because that of `fetch` itself says nothing. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${textOf(error.cause)}`;
}

/** Runs one piece of work at a time. Callers that need it meanwhile wait for the same work. */
export class Flight {
  #running: Promise<void> | null = null;

  /** Starts the work, unless it is running already, or it is not needed. It must not throw. */
  start(isNeeded: () => boolean, work: () => Promise<void>): { started: boolean; landed: Promise<void> } {
    if (this.#running !== null) return { started: false, landed: this.#running };
    if (!isNeeded()) return { started: false, landed: Promise.resolve() };
    this.#running = work().finally(() => {
      this.#running = null;
    });
    return { started: true, landed: this.#running };
  }
}
