// The vectors that every verifier of tokensmith answers alike: tests/vectors.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readDocument } from '../dist/feed-document.js';
import { InvalidScopes, Refusal, RequiredScopes, Verifier } from '../dist/index.js';
import { revocationHash } from '../dist/revocation-view.js';
import { VerificationKeys } from '../dist/verification-keys.js';

const folder = process.env.TOKENSMITH_VECTORS ?? new URL('../../../tests/vectors', import.meta.url).pathname;
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8'));
const keys = read('keys');

/** An issuer that answers what a file says. */
class Scripted {
  now = 0;
  jwks = keys;
  feed = [];
  asked = [];

  fetch = async (url) => {
    const [, since] = url.split('/oauth2/revocations?since=');
    if (since === undefined) return Response.json(this.jwks);
    this.asked.push(Number(since));
    const answer = this.feed.shift();
    if (answer === undefined) return new Response(null, { status: 500 });
    if (answer.document === null) return new Response(null, { status: 503 });
    const headers = answer.cache_control ? { 'Cache-Control': answer.cache_control } : {};
    return new Response(answer.document, { headers });
  };

  verifier({ issuer, audiences }, more = {}) {
    const clock = () => this.now;
    return new Verifier({ issuer, audience: audiences, fetch: this.fetch, clock, revocations: false, ...more });
  }
}

/** What became of a request, as the files say it. */
async function outcomeOf(work) {
  try {
    return { verdict: 'accept', claims: comparable((await work).toJSON()) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { status, headers } = error.challenge();
    const { 'WWW-Authenticate': challenge = null, 'Retry-After': seconds = null } = headers;
    const retry_after = seconds === null ? null : Number(seconds);
    return { verdict: 'reject', reason: error.reason, challenge: { status, www_authenticate: challenge, retry_after } };
  }
}

/** Claims in one form: what is absent is left out, and one audience is an array. */
function comparable(claims) {
  const aud = [claims.aud].flat();
  const isThere = ([, value]) => value !== null && value !== undefined;
  return Object.fromEntries(Object.entries({ ...claims, aud }).filter(isThere));
}

function assertOutcome(found, expected, name) {
  const claims = expected.claims && comparable(expected.claims);
  assert.deepEqual(found, claims ? { ...expected, claims } : expected, name);
}

function meaningOf({ expression, granted }) {
  try {
    const required = new RequiredScopes(expression);
    const sufficient = required.sufficient();
    return { verdict: required.areMetBy((scope) => granted.includes(scope)) ? 'met' : 'not_met', sufficient };
  } catch (error) {
    if (!(error instanceof InvalidScopes)) throw error;
    return { verdict: 'invalid', reason: error.problem };
  }
}

test('RFC 9068 §4: every vector of tokens has its verdict', async () => {
  const { cases } = read('tokens');
  assert.ok(cases.length >= 190);
  for (const one of cases) {
    if (one.kind === 'expression') {
      assert.deepEqual(meaningOf(one), one.expected, one.name);
      continue;
    }
    assert.ok(['token', 'headers'].includes(one.kind), one.kind);
    const issuer = new Scripted();
    issuer.now = one.now;
    const authorization = one.kind === 'token' ? `Bearer ${one.token}` : one.authorization;
    const found = await outcomeOf(issuer.verifier(one).authorize({ authorization }, one.required));
    assertOutcome(found, one.expected, one.name);
  }
});

test('RFC 9449 §7: every vector of bound tokens has its verdict', async () => {
  const { cases } = read('dpop');
  assert.ok(cases.length >= 85);
  const dpop = { bearer: false, dpop_and_bearer: 'optional', dpop: 'required' };
  for (const one of cases) {
    assert.equal(one.kind, 'requests');
    const issuer = new Scripted();
    const verifier = issuer.verifier(one, { dpop: dpop[one.schemes] });
    for (const [index, { now, expected, ...request }] of one.requests.entries()) {
      issuer.now = now;
      const found = await outcomeOf(verifier.authorize(request, one.required));
      assertOutcome(found, expected, `${one.name}, request ${index}`);
    }
  }
});

test('every vector of hashes is that of an entry', () => {
  const { hashes } = read('feed');
  assert.equal(hashes.length, 6);
  for (const { kind, name, hash } of hashes) {
    const words = Uint32Array.from(revocationHash(kind.replace('_', ' '), name));
    assert.equal(Buffer.from(words.buffer).toString('base64url'), hash, name);
  }
});

test('every vector of feed documents is read or refused', async () => {
  const { documents } = read('feed');
  assert.ok(documents.length >= 45);
  const known = await VerificationKeys.usableIn(Buffer.from(JSON.stringify(keys)));
  for (const { name, document, expected, ...asked } of documents) {
    const found = await readDocument(document, known, asked).then(
      ({ until, more, entries }) => ({ verdict: 'accept', until, more, entries: entries.length }),
      ({ reason }) => ({ verdict: 'reject', reason }),
    );
    assert.deepEqual(found, expected, name);
  }
});

for (const one of read('feed').cases) {
  test(`the feed as time passes: ${one.name}`, async () => {
    assert.equal(one.kind, 'steps');
    const issuer = new Scripted();
    const whenStale = `fail-${one.stale}`;
    const revocations = { intervalSeconds: one.interval, maxAgeSeconds: one.max_age, whenStale };
    const verifier = issuer.verifier(one, { revocations });
    for (const [index, step] of one.steps.entries()) {
      issuer.now = step.now;
      issuer.jwks = step.jwks ?? issuer.jwks;
      issuer.feed = [...step.fetches];
      issuer.asked = [];
      await verifier.refreshRevocations();
      for (const { name, token, expected } of step.tokens) {
        const found = await outcomeOf(verifier.authorize({ authorization: `Bearer ${token}` }));
        assertOutcome(found, expected, `step ${index}: ${name}`);
      }
      const cursors = step.fetches.map(({ since }) => since);
      assert.deepEqual(issuer.asked, cursors, `step ${index}: the fetches`);
    }
  });
}
