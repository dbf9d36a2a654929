// The issuer's keys: how long they are kept, and what an outage does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshFor } from '../dist/fetch.js';
import { Verifier } from '../dist/index.js';
import { testIssuer } from '../dist/testing.js';
import { VerificationKeys } from '../dist/verification-keys.js';
import { reasonOf, settled } from './support.mjs';

async function world(more = {}) {
  const issuer = await testIssuer({ alg: 'EdDSA' });
  const verifier = new Verifier({ ...issuer.options, revocations: false, ...more });
  const asks = async (token) => reasonOf(verifier.verify(token ?? (await issuer.token())));
  return { issuer, verifier, asks };
}

test('requests share one fetch of the keys, and fresh keys cost none', async () => {
  const { issuer, verifier } = await world();
  const token = await issuer.token({ exp: issuer.now + 10_000 });
  await Promise.all(Array.from({ length: 50 }, () => verifier.verify(token)));
  assert.deepEqual(issuer.asked, ['https://issuer.example/.well-known/jwks.json']);
  issuer.pass(299);
  await verifier.verify(token);
  assert.equal(issuer.asked.length, 1);
});

test('RFC 9110 §13.1.2: keys are renewed in the background, by their tag', async () => {
  let known;
  const issuer = await testIssuer();
  const fetch = (url, init) => {
    known = init.headers['If-None-Match'];
    return issuer.fetch(url, init);
  };
  const verifier = new Verifier({ ...issuer.options, revocations: false, fetch });
  await verifier.verify(await issuer.token());
  assert.equal(known, undefined);
  issuer.pass(301);
  await verifier.verify(await issuer.token());
  await settled();
  assert.match(known, /^".+"$/);
  issuer.pass(299);
  await verifier.verify(await issuer.token());
  assert.equal(issuer.asked.length, 2, 'a 304 has made them fresh');
});

test('tokens with unknown keys cause one fetch in each 30 s', async () => {
  const { issuer, asks } = await world();
  const good = await issuer.token();
  assert.equal(await asks(good), null);
  const stranger = await testIssuer({ alg: 'EdDSA' });
  for (let round = 1; round <= 2; round += 1) {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => stranger.token()));
    const reasons = await Promise.all(tokens.map(asks));
    assert.deepEqual(new Set(reasons), new Set(['unknown_key']));
    assert.equal(issuer.asked.length, 1 + round);
    issuer.pass(30);
  }
});

test('a new key is found at once', async () => {
  const { issuer, asks } = await world();
  const old = await issuer.token();
  assert.equal(await asks(old), null);
  await issuer.replaceKey();
  assert.equal(await asks(), null);
  assert.equal(await asks(old), null);
});

test('in an outage the last keys are used for 24 h, and then the answer is 503', async () => {
  const { issuer, asks } = await world();
  assert.equal(await asks(), null);
  issuer.isDown = true;
  issuer.pass(24 * 3600 - 1);
  assert.equal(await asks(), null);
  issuer.pass(1);
  assert.equal(await asks(), 'unavailable');
  issuer.isDown = false;
  issuer.pass(1);
  assert.equal(await asks(), null);
});

test('in an outage a token of an unknown key is not called invalid', async () => {
  const { issuer, asks } = await world();
  assert.equal(await asks(), null);
  issuer.isDown = true;
  await issuer.replaceKey();
  assert.equal(await asks(), 'unavailable');
  assert.equal(await asks(), 'unavailable');
  assert.equal(issuer.asked.length, 2);
});

test('without keys an outage is asked about once a second', async () => {
  const { issuer, asks } = await world();
  issuer.isDown = true;
  for (let second = 1; second <= 3; second += 1) {
    const reasons = await Promise.all(Array.from({ length: 20 }, () => asks()));
    assert.deepEqual(new Set(reasons), new Set(['unavailable']));
    assert.equal(issuer.asked.length, second);
    issuer.pass(1);
  }
});

test('a fetch ends at its time limit, also with a client that heeds no signal', async () => {
  const { asks } = await world({ fetch: () => new Promise(() => {}) });
  const before = performance.now();
  assert.equal(await asks(), 'unavailable');
  const took = performance.now() - before;
  assert.ok(took > 1900 && took < 4000, String(took));
});

test('what is no key set, too long or a redirect does not replace good keys', async () => {
  const issuer = await testIssuer();
  let answer = issuer.fetch;
  const fetch = (...asked) => answer(...asked);
  const verifier = new Verifier({ ...issuer.options, revocations: false, fetch });
  assert.equal(await reasonOf(verifier.verify(await issuer.token())), null);
  for (const bad of [
    () => new Response('nonsense'),
    () => Response.json({ keys: [] }),
    () => Response.json({ keys: [issuer.key.jwk], padding: 'x'.repeat(64 * 1024) }),
    () => new Response(null, { status: 302, headers: { Location: 'https://elsewhere.example/' } }),
    () => Promise.reject(new TypeError('broken')),
  ]) {
    answer = async () => bad();
    issuer.pass(3601);
    assert.equal(await reasonOf(verifier.verify(await issuer.token())), null);
    await settled();
  }
});

test('RFC 9111 §4.2: freshness is max-age less Age', () => {
  for (const [cacheControl, age, expected] of [
    ['public, max-age=300', null, 300],
    ['Max-Age=300', '100', 200],
    ['max-age=300', '301', 0],
    ['max-age="60", must-revalidate', null, 60],
    ['max-age=60, no-cache', null, 0],
    ['no-store', null, 0],
    ['max-age=10, max-age=20', null, 10],
    ['max-age=soon', null, undefined],
    ['max-age=-1', null, undefined],
    ['public', null, undefined],
    [null, null, undefined],
  ]) {
    assert.equal(freshFor(cacheControl, age), expected, `${cacheControl} ${age}`);
  }
});

test('RFC 7517 §5: keys that are not for signatures, too short or malformed are left out', async () => {
  const isUsable = async (jwk) => (await VerificationKeys.usableIn(Buffer.from(JSON.stringify({ keys: [jwk] })))) !== null;
  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
    const { key } = await testIssuer({ alg });
    const good = { ...key.jwk, kid: 'k', alg, use: 'sig' };
    assert.ok(await isUsable(good), alg);
    for (const [member, value] of [
      ['use', 'enc'], ['use', undefined], ['alg', undefined], ['alg', 'none'], ['alg', 'HS256'], ['alg', 'ES384'],
      ['alg', 'Ed25519'], ['kid', undefined], ['kid', 1], ['kty', 'oct'], ['x', 'AA'], ['n', 'AQAB'], ['e', 'AQ'],
      ['x', Buffer.alloc(32, 1).toString('base64url')], ['y', Buffer.alloc(32, 1).toString('base64url')],
    ]) {
      const isNoMember = !(member in good);
      const isPointOfEdwards = alg === 'EdDSA' && value?.length === 43;
      if (!isNoMember && !isPointOfEdwards) assert.equal(await isUsable({ ...good, [member]: value }), false, `${alg} ${member} ${value}`);
    }
  }
});
