// Whatever is sent is accepted or refused, and never an error of another kind: no service answers 500 for it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Verifier } from '../dist/index.js';
import { testIssuer } from '../dist/testing.js';
import { reasonOf } from './support.mjs';

const VALUES = [
  null, true, 0, -1, 1.5, 1e300, '', 'text', '\ud800', [], ['text'], [1], {}, { sub: 'a' }, { sub: 1 }, { jkt: 'x' }, { jkt: {} },
  { key: 'k' }, [{ key: 'k' }], [{ jti: 'j', client_id: 'c' }], [{ jti: 'j', client_id: 'c', more: 1 }], [null], { kty: 'EC' },
  { kty: 'RSA', n: 'AQAB', e: 'AQAB' }, { kty: 'OKP', crv: 'Ed25519', x: 'AA' }, { kty: ['RSA'] }, { kty: 'oct', k: 'AA' }, 2 ** 63, 'constructor',
];
const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

test('RFC 9068 §4: each claim and each header member with each kind of value', async () => {
  const issuer = await testIssuer({ alg: 'EdDSA' });
  const verifier = new Verifier(issuer.options);
  for (const name of ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'scope', 'grant_id', 'act', 'cnf', 'parents', '__proto__', 'constructor']) {
    for (const value of VALUES) {
      const claims = JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`);
      await reasonOf(verifier.verify(await issuer.token(claims)));
    }
  }
  for (const token of [undefined, null, 7, {}]) assert.equal(await reasonOf(verifier.verify(token)), 'malformed');
  const [, payload, signature] = (await issuer.token()).split('.');
  for (const name of ['alg', 'kid', 'typ', 'crit', 'jwk', 'b64', 'zip']) {
    for (const value of VALUES) {
      const header = { alg: 'EdDSA', typ: 'at+jwt', kid: issuer.key.kid, [name]: value };
      assert.notEqual(await reasonOf(verifier.verify(`${base64url(header)}.${payload}.${signature}`)), null);
    }
  }
  for (const deep of ['['.repeat(5900), '{"act":'.repeat(800), `{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`]) {
    assert.notEqual(await reasonOf(verifier.verify(`${base64url(deep)}.${payload}.${signature}`)), null);
  }
});

test('RFC 9449 §4.3: each claim and each header member of a proof with each kind of value', async () => {
  const issuer = await testIssuer({ alg: 'EdDSA' });
  const verifier = new Verifier({ ...issuer.options, dpop: 'required' });
  const { token, key, proof } = await issuer.boundToken({}, 'ES256');
  const url = 'https://api.example/';
  const asked = (dpop) => reasonOf(verifier.authorize({ authorization: `DPoP ${token}`, dpop, method: 'GET', url }));
  assert.equal(await asked(await proof('GET', url)), null);
  for (const name of ['jti', 'htm', 'htu', 'iat', 'ath', 'nonce']) {
    for (const value of VALUES) await asked(await proof('GET', url, { [name]: value }));
  }
  const [, payload, signature] = (await proof('GET', url)).split('.');
  const good = { alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk };
  for (const value of VALUES) {
    for (const name of ['alg', 'typ', 'jwk', 'crit']) await asked(`${base64url({ ...good, [name]: value })}.${payload}.${signature}`);
    for (const name of ['kty', 'crv', 'x', 'y', 'use', 'alg', 'key_ops', 'ext', 'x5c', 'd', 'kid']) {
      await asked(`${base64url({ ...good, jwk: { ...key.jwk, [name]: value } })}.${payload}.${signature}`);
    }
  }
  assert.equal(await asked(await proof('GET', url)), null);
});

test('RFC 9449 §4.3: whoever brings a key does not choose that its verification takes long', async () => {
  const issuer = await testIssuer();
  const verifier = new Verifier({ ...issuer.options, dpop: 'required' });
  for (const [bytes, expected] of [[512, 'bad_proof_signature'], [513, 'proof_with_unusable_key']]) {
    const jwk = { kty: 'RSA', n: Buffer.alloc(bytes, 0xff).toString('base64url'), e: 'AQAB' };
    const dpop = `${base64url({ alg: 'RS256', typ: 'dpop+jwt', jwk })}.${base64url({})}.${base64url('signature')}`;
    const asked = { authorization: 'DPoP a', dpop, method: 'GET', url: 'https://api.example/' };
    assert.equal(await reasonOf(verifier.authorize(asked)), expected);
  }
});

test('invariant 4: a feed with each kind of value is taken or refused, and what was known stays', async () => {
  const issuer = await testIssuer({ alg: 'EdDSA' });
  const revoked = await issuer.token({ exp: issuer.now + 100_000 });
  const good = await issuer.token({ exp: issuer.now + 100_000 });
  issuer.revokeToken(revoked);
  let answer = issuer.fetch;
  const revocations = { whenStale: 'fail-open' };
  const verifier = new Verifier({ ...issuer.options, revocations, fetch: (...asked) => answer(...asked) });
  assert.equal(await reasonOf(verifier.verify(revoked)), 'token_revoked');
  const typ = 'tokensmith-revocations+jwt';
  for (const name of ['iss', 'iat', 'exp', 'from', 'until', 'more', 'entries']) {
    for (const value of [...VALUES, [{}], [{ kind: 'token' }], [{ kind: 1, hash: 'A'.repeat(22), until: 1 }]]) {
      const now = issuer.now;
      const document = { iss: issuer.issuer, iat: now, exp: now + 60, from: 0, until: now, more: false, entries: [], aud: undefined, [name]: value };
      const body = await issuer.token(document, { typ });
      answer = (url, init) => (url.includes('revocations') ? Promise.resolve(new Response(body)) : issuer.fetch(url, init));
      issuer.pass(5);
      assert.equal(await reasonOf(verifier.verify(good)), null, `${name} ${value}`);
      assert.equal(await reasonOf(verifier.verify(revoked)), 'token_revoked', `${name} ${value}`);
    }
  }
});
