// The verifier beside a real issuer: `with-issuer npm run test:issuer`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { clients, grantClients, issuer as issuerUrl, tokensmith } from '../../../../tests/clients/issuer.mjs';
import { Refusal, Verifier } from '../../dist/index.js';
import { testKey } from '../../dist/testing.js';
import { reasonOf, until } from '../support.mjs';

const issuer = issuerUrl.origin;

/** As a client does it: its secret by `Basic`. */
async function post(path, { client_id, client_secret }, form, headers = {}) {
  const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`;
  const body = new URLSearchParams(form);
  const answer = await fetch(`${issuer}${path}`, { method: 'POST', headers: { authorization, ...headers }, body });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

async function newToken(client, form = {}, headers = {}) {
  const answer = await post('/oauth2/token', client, { grant_type: 'client_credentials', ...form }, headers);
  return answer.access_token;
}

const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));

test('RFC 9068 §4: a token of each algorithm is accepted', async () => {
  for (const client of clients) {
    const verifier = new Verifier({ issuer, audience: client.audience });
    const claims = await verifier.authorize({ authorization: `Bearer ${await newToken(client)}` }, 'read');
    assert.equal(claims.clientId, client.client_id);
    const other = await newToken(client, { resource: client.other_audience });
    assert.equal(await reasonOf(verifier.verify(other)), 'wrong_audience');
  }
});

test('RFC 7009 §2.1: a token that its client revokes is refused within the interval', async () => {
  const client = grantClients.confidential;
  const verifier = new Verifier({ issuer, audience: client.audience });
  const [token, other] = [await newToken(client), await newToken(client)];
  assert.equal((await verifier.verify(token)).clientId, client.client_id);
  await post('/oauth2/revoke', client, { token });
  const before = performance.now();
  await until(async () => (await reasonOf(verifier.verify(token))) === 'token_revoked', 'the token is refused');
  // The issuer renews its feed every 5 s, and the verifier asks again at that moment.
  const took = performance.now() - before;
  assert.ok(took < 10_000, `${took} ms`);
  assert.equal(await reasonOf(verifier.verify(other)), null);
});

test('RFC 9449 §7: a token that the issuer has bound is good with a proof by its key', async () => {
  const resource = `https://api.example/${randomUUID()}`;
  tokensmith(['resource', 'create', resource, '--scope', 'read=Read it', '--dpop', 'required']);
  const client = tokensmith(['client', 'create', '--id', `bound-${randomUUID()}`, '--allow', `${resource}=read`]);
  const key = await testKey('ES256');
  const proof = (htm, htu, more = {}) => {
    const jwt = new SignJWT({ htm, htu, jti: randomUUID(), ...more }).setIssuedAt();
    return jwt.setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk }).sign(key.privateKey);
  };
  const dpop = await proof('POST', `${issuer}/oauth2/token`);
  const token = await newToken(client, { resource }, { dpop });
  const verifier = new Verifier({ issuer, audience: resource, dpop: 'required' });
  const digest = await crypto.subtle.digest('SHA-256', Buffer.from(token));
  const ath = Buffer.from(digest).toString('base64url');
  const url = 'https://api.example/orders';
  const request = { authorization: `DPoP ${token}`, method: 'GET', url, dpop: await proof('GET', url, { ath }) };
  assert.equal((await verifier.authorize(request, 'read')).boundTo, key.kid);
  assert.equal(await reasonOf(verifier.authorize(request)), 'proof_replayed');
  assert.equal(await reasonOf(verifier.verify(token)), 'bound_to_key');
});

/** Tokens are issued and verified until `isOver`, by several at once. What is refused is noted with the key of the token. */
async function load(client, verifier, isOver) {
  const seen = { kids: new Map(), refused: [] };
  const one = async () => {
    while (!isOver(seen)) {
      const token = await newToken(client);
      const { kid } = headerOf(token);
      try {
        await verifier.verify(token);
        seen.kids.set(kid, (seen.kids.get(kid) ?? 0) + 1);
      } catch (error) {
        assert.ok(error instanceof Refusal, error?.stack);
        seen.refused.push({ kid, reason: error.reason });
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, one));
  return seen;
}

/** The command, while the load goes on. */
async function rotate(...options) {
  const data = JSON.parse(process.env.TOKENSMITH_DATA_ARGUMENTS);
  await promisify(execFile)(process.env.TOKENSMITH, ['key', 'rotate', '--alg', 'ES256', ...options, ...data]);
}

test('keys are replaced under load, and no token is wrongly refused', async () => {
  const client = clients.find(({ alg }) => alg === 'ES256');
  const verifier = new Verifier({ issuer, audience: client.audience });
  const { kid: old } = headerOf(await newToken(client));
  // A key that is published ahead changes nothing for anybody.
  let isPublished = false;
  const planned = load(client, verifier, ({ kids }) => isPublished && (kids.get(old) ?? 0) >= 100);
  await rotate();
  isPublished = true;
  assert.deepEqual((await planned).refused, []);
  // A compromised one is withdrawn while requests go on.
  const emergency = load(client, verifier, ({ kids }) => [...kids].some(([kid, seen]) => kid !== old && seen >= 300));
  await rotate('--now', '--yes');
  const { refused } = await emergency;
  const isRight = ({ kid, reason }) => kid === old && ['withdrawn_key', 'unknown_key'].includes(reason);
  assert.deepEqual(refused.filter((one) => !isRight(one)), []);
});
