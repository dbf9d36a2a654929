// A resource server with jose verifies access tokens (RFC 9068 §4).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { clients, issuer, tampered } from './issuer.mjs';

const metadata = await (
  await fetch(new URL('/.well-known/oauth-authorization-server', issuer))
).json();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));

async function newToken({ client_id, client_secret }) {
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret }),
  });
  assert.equal(response.status, 200);
  return (await response.json()).access_token;
}

function verify(token, client, changed) {
  return jwtVerify(token, keys, {
    typ: 'at+jwt',
    algorithms: [client.alg],
    issuer: metadata.issuer,
    audience: client.audience,
    // RFC 9068 §2.2
    requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
    ...changed,
  });
}

for (const client of clients) {
  test(`RFC 9068: a token verifies (${client.alg})`, async () => {
    const { payload } = await verify(await newToken(client), client);
    assert.equal(payload.sub, client.client_id);
    assert.equal(payload.client_id, client.client_id);
    assert.equal(payload.scope, 'read');
    assert.equal(payload.exp - payload.iat, client.access_ttl);
  });

  test(`RFC 9068 §4: a token for another audience is refused (${client.alg})`, async () => {
    const refused = verify(await newToken(client), client, { audience: client.other_audience });
    await assert.rejects(refused, { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'aud' });
  });

  test(`RFC 9068 §4: a token of another issuer is refused (${client.alg})`, async () => {
    const refused = verify(await newToken(client), client, { issuer: 'https://other.example' });
    await assert.rejects(refused, { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'iss' });
  });

  test(`RFC 9068 §4: an expired token is refused (${client.alg})`, async () => {
    const token = await newToken(client);
    const end = new Date((decodeJwt(token).iat + client.access_ttl) * 1000);
    const refused = verify(token, client, { currentDate: end });
    await assert.rejects(refused, { code: 'ERR_JWT_EXPIRED' });
  });

  test(`RFC 9068 §4: a tampered token is refused (${client.alg})`, async () => {
    const refused = verify(tampered(await newToken(client)), client);
    await assert.rejects(refused, { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
  });
}
