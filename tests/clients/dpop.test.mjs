// Clients with openid-client and oauth4webapi have tokens that are bound to a key (RFC 9449).

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { issuer, newApp, newUser, redirectUri, tokensmith } from './issuer.mjs';
import { Person } from './person.mjs';

const user = newUser();

/** A resource whose verifiers check proofs, and the options by which a client may have tokens for it. */
function newBoundResource() {
  const uri = `https://api.example/${randomUUID()}`;
  tokensmith(['resource', 'create', uri, '--scope', 'read=Read it', '--dpop', 'required']);
  return { uri, options: ['--allow', `${uri}=read`] };
}

/** The claims of a token. */
function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}

async function discover({ client_id, client_secret }) {
  const proof = client_secret ? openid.ClientSecretBasic(client_secret) : openid.None();
  return openid.discovery(issuer, client_id, undefined, proof, {
    execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks],
  });
}

for (const algorithm of ['ES256', 'PS256', 'RS256', 'Ed25519']) {
  test(`RFC 9449 §5: openid-client, a client's own token is bound (${algorithm})`, async () => {
    const { uri, options } = newBoundResource();
    const named = ['client', 'create', '--id', `bound-${randomUUID()}`];
    const config = await discover(tokensmith([...named, ...options]));
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair(algorithm));
    const tokens = await openid.clientCredentialsGrant(config, { resource: uri }, { DPoP });
    assert.equal(tokens.token_type, 'dpop');
    const expected = await DPoP.calculateThumbprint();
    assert.equal(claimsOf(tokens.access_token).cnf.jkt, expected);
    await assert.rejects(openid.clientCredentialsGrant(config, { resource: uri }), {
      status: 400,
      error: 'invalid_dpop_proof',
    });
  });
}

for (const [kind, more] of [
  ['public', ['--public']],
  ['confidential', []],
]) {
  for (const isPushed of [false, true]) {
    const names = `${kind}${isPushed ? ', pushed' : ''}`;
    test(`RFC 9449 §5, §10: openid-client, a person's tokens are bound (${names})`, async () => {
      const { uri, options } = newBoundResource();
      const config = await discover(newApp(...more, ...options));
      const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
      const pkceCodeVerifier = openid.randomPKCECodeVerifier();
      const parameters = {
        redirect_uri: redirectUri,
        scope: 'openid offline_access read',
        resource: uri,
        state: openid.randomState(),
        code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
      };
      const url = isPushed
        ? await openid.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
        : openid.buildAuthorizationUrl(config, {
            ...parameters,
            dpop_jkt: await DPoP.calculateThumbprint(),
          });
      const back = await new Person(user).visit(url);
      const checks = { pkceCodeVerifier, expectedState: parameters.state };
      const tokens = await openid.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
      assert.equal(tokens.token_type, 'dpop');
      const told = await openid.fetchUserInfo(config, tokens.access_token, user.subject, { DPoP });
      assert.equal(told.sub, user.subject);
      const next = await openid.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
      assert.equal(next.token_type, 'dpop');
      const thief = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
      await assert.rejects(
        openid.fetchUserInfo(config, next.access_token, user.subject, { DPoP: thief }),
      );
      if (kind === 'public') {
        await assert.rejects(
          openid.refreshTokenGrant(config, next.refresh_token, undefined, { DPoP: thief }),
          { status: 400, error: 'invalid_dpop_proof' },
        );
      }
    });
  }
}

test("RFC 9449 §5: oauth4webapi, a client's own token is bound", async () => {
  const { uri, options } = newBoundResource();
  const named = ['client', 'create', '--id', `bound-${randomUUID()}`];
  const { client_id, client_secret } = tokensmith([...named, ...options]);
  const insecure = { [oauth.allowInsecureRequests]: true };
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
  const as = await oauth.processDiscoveryResponse(issuer, found);
  const client = { client_id };
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const response = await oauth.clientCredentialsGrantRequest(
    as,
    client,
    oauth.ClientSecretBasic(client_secret),
    new URLSearchParams({ resource: uri }),
    { DPoP, ...insecure },
  );
  const tokens = await oauth.processClientCredentialsResponse(as, client, response);
  assert.equal(tokens.token_type, 'dpop');
  assert.ok(claimsOf(tokens.access_token).cnf.jkt);
});
