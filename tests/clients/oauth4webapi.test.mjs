// A client and a resource server with oauth4webapi: RFC 8414, 6749, 8707 and 9068.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { clients, issuer, tampered, wrongSecret } from './issuer.mjs';

// The issuer is on loopback, where it speaks plain http; the library has to be told.
const http = { [oauth.allowInsecureRequests]: true };

async function discover(algorithm) {
  const response = await oauth.discoveryRequest(issuer, { ...http, algorithm });
  return oauth.processDiscoveryResponse(issuer, response);
}

const metadata = await discover('oauth2');

async function askForToken({ client_id, client_secret }, ClientAuth, parameters = {}) {
  const client = { client_id };
  const authentication = ClientAuth(client_secret);
  const response = await oauth.clientCredentialsGrantRequest(
    metadata,
    client,
    authentication,
    new URLSearchParams(parameters),
    http,
  );
  return oauth.processClientCredentialsResponse(metadata, client, response);
}

function validate(token, client, audience, options) {
  const headers = { authorization: `Bearer ${token}` };
  const request = new Request(audience, { headers });
  const signingAlgorithms = [client.alg];
  const all = { ...http, signingAlgorithms, ...options };
  return oauth.validateJwtAccessToken(metadata, request, audience, all);
}

/** Matches the error that names this claim as the wrong one. */
function claimRefused(claim) {
  return (error) => error.cause?.claim === claim;
}

test('RFC 8414 §3 and OpenID Connect Discovery §4: both documents are found, and agree', async () => {
  const {
    subject_types_supported,
    id_token_signing_alg_values_supported,
    userinfo_endpoint,
    claims_supported,
    ...rest
  } = await discover('oidc');
  assert.deepEqual(rest, metadata);
  assert.equal(userinfo_endpoint, new URL('/oauth2/userinfo', issuer).href);
  assert.ok(claims_supported.includes('sub'));
  // What Discovery requires besides, and strict parsers refuse to miss.
  assert.deepEqual(subject_types_supported, ['public']);
  const signed = clients.map((client) => client.alg);
  assert.ok(signed.every((alg) => id_token_signing_alg_values_supported.includes(alg)));
});

for (const ClientAuth of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
  for (const client of clients) {
    const names = `${client.alg}, ${ClientAuth.name}`;

    test(`RFC 6749 §4.4: a client gets a token that verifies (${names})`, async () => {
      const answer = await askForToken(client, ClientAuth);
      assert.equal(answer.token_type, 'bearer');
      assert.equal(answer.scope, 'read');
      const claims = await validate(answer.access_token, client, client.audience);
      assert.equal(claims.sub, client.client_id);
      assert.equal(claims.client_id, client.client_id);
      assert.equal(claims.scope, 'read');
      assert.equal(claims.exp - claims.iat, client.access_ttl);
      assert.ok(answer.expires_in > 0 && answer.expires_in <= client.access_ttl);
    });

    test(`RFC 8707 §2: a resource becomes the audience (${names})`, async () => {
      const asked = { resource: client.other_audience, scope: 'read write' };
      const answer = await askForToken(client, ClientAuth, asked);
      const claims = await validate(answer.access_token, client, client.other_audience);
      assert.equal(claims.scope, 'read write');
      const elsewhere = validate(answer.access_token, client, client.audience);
      await assert.rejects(elsewhere, claimRefused('aud'));
    });

    test(`RFC 6749 §5.2: errors are understood (${names})`, async () => {
      const unknownScope = askForToken(client, ClientAuth, { scope: 'delete' });
      await assert.rejects(unknownScope, { status: 400, error: 'invalid_scope' });
      const nobody = { resource: 'https://nobody.example/' };
      const unknownResource = askForToken(client, ClientAuth, nobody);
      await assert.rejects(unknownResource, { status: 400, error: 'invalid_target' });
      const stranger = askForToken({ ...client, client_secret: wrongSecret(client) }, ClientAuth);
      await assert.rejects(stranger, {
        status: 401,
        cause: [{ scheme: 'basic', parameters: { realm: 'tokensmith' } }],
      });
    });
  }
}

for (const client of clients) {
  test(`RFC 9068 §4: an expired token is refused (${client.alg})`, async () => {
    const token = (await askForToken(client, oauth.ClientSecretBasic)).access_token;
    const later = { [oauth.clockSkew]: client.access_ttl, [oauth.clockTolerance]: 0 };
    const refused = validate(token, client, client.audience, later);
    await assert.rejects(refused, claimRefused('exp'));
  });

  test(`RFC 9068 §4: a tampered token is refused (${client.alg})`, async () => {
    const token = (await askForToken(client, oauth.ClientSecretBasic)).access_token;
    const refused = validate(tampered(token), client, client.audience);
    await assert.rejects(refused, { message: 'JWT signature verification failed' });
  });
}
