// What the vectors do not say: options, claims, URLs, and the feed in an outage.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { HashTable } from '../dist/hash-table.js';
import { InvalidScopes, Refusal, RequiredScopes, Verifier } from '../dist/index.js';
import { testIssuer } from '../dist/testing.js';
import { isOrigin, isProtected, isSameUrl } from '../dist/url.js';
import { reasonOf } from './support.mjs';

test('a verifier needs an issuer and an audience', async () => {
  const good = { issuer: 'https://issuer.example', audience: 'https://api.example' };
  for (const bad of [
    { issuer: 'http://issuer.example' }, { issuer: 'https://issuer.example/path' }, { issuer: '' }, { audience: [] },
    { audience: undefined }, { audience: '' }, { audience: 'a"b' }, { jwksUrl: 'http://keys.example/' }, { dpop: 'always' },
    { revocations: { intervalSeconds: 0 } }, { revocations: { whenStale: 'open' } },
  ]) {
    assert.throws(() => new Verifier({ ...good, ...bad }), TypeError, JSON.stringify(bad));
  }
  assert.equal(new Verifier({ ...good, issuer: 'https://issuer.example/' }).realm, good.audience);
});

test('only https and loopback are fetched from', () => {
  for (const good of [
    'https://issuer.example', 'https://issuer.example/.well-known/jwks.json?x=1', 'http://localhost:8080/jwks',
    'http://127.0.0.1:8080', 'http://127.8.0.1/', 'http://[::1]:9/',
  ]) {
    assert.ok(isProtected(good), good);
  }
  for (const bad of [
    'http://issuer.example', 'http://127.0.0.1.issuer.example', 'http://localhost.example', 'http://127.0.0.1@issuer.example',
    'http://[::2]', 'https://user@issuer.example', 'https:///path', 'https://issuer.example/a b', 'ftp://127.0.0.1',
    'https://a.example\\b', '//issuer.example', '',
  ]) {
    assert.ok(!isProtected(bad), bad);
  }
  assert.ok(isOrigin('https://issuer.example:8443'));
  for (const bad of ['https://a.example/', 'https://a?b', 'https://a#b', 'a']) assert.ok(!isOrigin(bad), bad);
  assert.ok(!isSameUrl('https://api.example/%+1', 'https://api.example/%01'));
});

test('claims have their helpers', async () => {
  const issuer = await testIssuer();
  const verifier = new Verifier(issuer.options);
  const act = { sub: 'agent', act: { sub: 'app' } };
  const parents = [{ jti: 'j', client_id: 'c' }, { key: 'key-1' }];
  const token = await issuer.token({ scope: 'read  write', grant_id: 'g', tenant: { id: 7 }, act, parents });
  const claims = await verifier.verify(token);
  assert.equal(claims.subject, 'alice');
  assert.equal(claims.clientId, 'app');
  assert.equal(claims.grantId, 'g');
  assert.equal(claims.apiKeyId, 'key-1');
  assert.deepEqual(claims.actors, ['agent', 'app']);
  assert.deepEqual(claims.scopes, ['read', 'write']);
  assert.ok(claims.hasScope('read') && !claims.hasScope('rea') && !claims.hasScope(''));
  assert.deepEqual(claims.get('tenant'), { id: 7 });
  assert.equal(claims.get('toString'), undefined);
  assert.equal(claims.boundTo, undefined);
});

test('every flipped bit is seen', async () => {
  const issuer = await testIssuer({ alg: 'EdDSA' });
  const verifier = new Verifier({ ...issuer.options, revocations: false });
  const good = await issuer.token();
  for (let position = 0; position < good.length; position += 1) {
    const bit = [1, 2, 4, 8, 16, 32][position % 6];
    const bad = good.slice(0, position) + String.fromCharCode(good.charCodeAt(position) ^ bit) + good.slice(position + 1);
    assert.notEqual(await reasonOf(verifier.verify(bad)), null, bad);
  }
});

test('an expression prints to the same, and what is wrong with one is no refusal', async () => {
  for (const [text, printed] of [['((a))', 'a'], ['a&b', 'a & b'], ['a & (b & c)', 'a & b & c'], ['"a&b"|"("', '"a&b" | "("'], ['a & (b | c)', 'a & (b | c)']]) {
    assert.equal(String(new RequiredScopes(text)), printed);
    assert.equal(String(new RequiredScopes(printed)), printed);
  }
  const issuer = await testIssuer();
  const verifier = new Verifier(issuer.options);
  await assert.rejects(verifier.authorize({ authorization: 'Bearer a' }, 'a &'), InvalidScopes);
});

test('whoever embeds it is told of each refusal, and the token is not in it', async () => {
  const refusals = [];
  const issuer = await testIssuer();
  const verifier = new Verifier({ ...issuer.options, onRefusal: (refusal) => refusals.push(refusal) });
  const token = await issuer.token({ exp: issuer.now - 61 });
  assert.equal(await reasonOf(verifier.authorize({ authorization: `Bearer ${token}` })), 'expired');
  assert.equal(await reasonOf(verifier.authorize({ authorization: [] })), 'no_token');
  assert.deepEqual(refusals.map(({ reason }) => reason), ['expired', 'no_token']);
  assert.ok(refusals[0] instanceof Refusal && !refusals[0].stack.includes(token));
});

test('invariant 4: the issuer is down, fail closed and open', async () => {
  for (const [whenStale, expected] of [['fail-closed', 'unavailable'], ['fail-open', null]]) {
    const issuer = await testIssuer();
    const verifier = new Verifier({ ...issuer.options, revocations: { whenStale } });
    const good = await issuer.token();
    const revoked = await issuer.token();
    issuer.revokeToken(revoked);
    assert.equal(await reasonOf(verifier.verify(good)), null);
    issuer.isDown = true;
    issuer.pass(120);
    assert.equal(await reasonOf(verifier.verify(good)), null);
    assert.equal(await reasonOf(verifier.verify(revoked)), 'token_revoked');
    issuer.pass(1);
    assert.equal(await reasonOf(verifier.verify(good)), expected, whenStale);
    assert.equal(await reasonOf(verifier.verify(revoked)), expected ?? 'token_revoked', whenStale);
    assert.equal(verifier.revocationStaleness, 121);
    issuer.isDown = false;
    issuer.pass(5);
    assert.equal(await reasonOf(verifier.verify(good)), null);
  }
});

test('a server can wait until the keys and the feed are there', async () => {
  const issuer = await testIssuer();
  const verifier = new Verifier(issuer.options);
  issuer.isDown = true;
  assert.equal(await reasonOf(verifier.ready()), 'unavailable');
  issuer.isDown = false;
  issuer.pass(5);
  await verifier.ready();
  const asked = issuer.asked.length;
  await verifier.verify(await issuer.token());
  assert.equal(issuer.asked.length, asked);
});

test('a fetch that was under way when a function was frozen is made again before the verdict', async () => {
  const issuer = await testIssuer();
  let isFrozen = false;
  let thaw;
  const fetch = (url, init) => (isFrozen ? new Promise((_, reject) => { thaw = () => reject(new TypeError('closed')); }) : issuer.fetch(url, init));
  const verifier = new Verifier({ ...issuer.options, fetch });
  const token = await issuer.token({ exp: issuer.now + 10_000 });
  assert.equal(await reasonOf(verifier.verify(token)), null);
  isFrozen = true;
  issuer.pass(5);
  const before = verifier.refreshRevocations();
  issuer.pass(3600);
  isFrozen = false;
  const verdict = reasonOf(verifier.verify(token));
  setTimeout(() => thaw(), 10);
  assert.equal(await verdict, null);
  await before;
});

test('the feed is read in pages', async () => {
  const issuer = await testIssuer();
  const verifier = new Verifier(issuer.options);
  const first = await issuer.token({ grant_id: 'grant-0' });
  const last = await issuer.token({ grant_id: 'grant-24999' });
  for (let index = 0; index < 25_000; index += 1) {
    issuer.revokeGrant(`grant-${index}`);
    if (index % 3000 === 0) issuer.pass(1);
  }
  assert.equal(await reasonOf(verifier.verify(first)), 'grant_revoked');
  assert.equal(await reasonOf(verifier.verify(last)), 'grant_revoked');
  assert.equal(await reasonOf(verifier.verify(await issuer.token({ grant_id: 'grant-25000' }))), null);
  assert.equal(issuer.asked.filter((url) => url.includes('revocations')).length, 3);
});

test('a table keeps the later of two entries, and forgets what has ended', () => {
  const table = new HashTable();
  const hash = (index) => [index * 2654435761 >>> 0, index, 0, index];
  for (let index = 0; index < 10_000; index += 1) table.insert(hash(index), index, 1000 + (index % 2), 1);
  for (let index = 0; index < 10_000; index += 1) assert.equal(table.value(hash(index), 1000), index);
  assert.equal(table.size, 10_000);
  assert.equal(table.value(hash(10_000), 1000), -1);
  table.insert(hash(1), 7, 1000, 1);
  assert.equal(table.value(hash(1), 1000), 1, 'an earlier end does not replace a later one');
  table.insert(hash(1), 2 ** 40, 2000, 1);
  assert.equal(table.value(hash(1), 1000), Infinity);
  for (let shard = 0; shard < 64; shard += 1) table.forgetExpired(1001);
  assert.equal(table.size, 5000);
  assert.equal(table.value(hash(2), 1000), -1);
  assert.equal(table.value(hash(3), 1001), 3);
});

test('Node before 20.12 has no crypto.hash, and the hashes are the same', () => {
  const script = `
    import crypto from 'node:crypto';
    import { syncBuiltinESMExports } from 'node:module';
    crypto.hash = undefined;
    syncBuiltinESMExports();
    const { sha256 } = await import('${new URL('../dist/sha256.js', import.meta.url)}');
    console.log(sha256('Zoë', 'base64url'), Buffer.from(sha256('Zoë', 'binary'), 'latin1').toString('base64url'));`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script]).toString();
  const expected = createHash('sha256').update('Zoë').digest('base64url');
  assert.equal(printed, `${expected} ${expected}\n`);
});
