// The verifier beside a real issuer: `with-issuer npm run test:issuer`. What becomes of tokens and keys, all verifiers are asked together, by
// tests/clients/verifiers.test.mjs.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { clients, issuer as issuerUrl, tokensmith } from '../../../../tests/clients/issuer.mjs';
import { Verifier } from '../../dist/index.js';
import { testKey } from '../../dist/testing.js';
import { reasonOf } from '../support.mjs';

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

test('RFC 9068 §4: a token of each algorithm is accepted', async () => {
  for (const client of clients) {
    const verifier = new Verifier({ issuer, audience: client.audience });
    const claims = await verifier.authorize({ authorization: `Bearer ${await newToken(client)}` }, 'read');
    assert.equal(claims.clientId, client.client_id);
    const other = await newToken(client, { resource: client.other_audience });
    assert.equal(await reasonOf(verifier.verify(other)), 'wrong_audience');
  }
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
