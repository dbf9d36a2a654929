// Clients with simple-oauth2 sign people in, and get tokens of their own.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { AuthorizationCode, ClientCredentials } from 'simple-oauth2';
import { clients, issuer, newApp, newUser, redirectUri } from './issuer.mjs';
import { Person } from './person.mjs';

const user = newUser();
const userinfo = new URL('/oauth2/userinfo', issuer);
const paths = { tokenPath: '/oauth2/token', revokePath: '/oauth2/revoke' };
const refused = (err) => err.data.payload.error === 'invalid_grant';

for (const authorizationMethod of ['header', 'body']) {
  const open = (Grant, { client_id: id, client_secret: secret }, more) =>
    new Grant({
      client: { id, secret },
      auth: { tokenHost: issuer.origin, ...paths, ...more },
      options: { authorizationMethod },
    });

  const openApp = () =>
    open(AuthorizationCode, newApp(), { authorizePath: '/oauth2/authorize' });

  /** A request for a code, which the person allows, and the request for tokens that follows. */
  async function signIn(client) {
    const code_verifier = randomBytes(32).toString('base64url');
    const url = client.authorizeURL({
      redirect_uri: redirectUri,
      scope: ['openid', 'offline_access', 'read'],
      state: 'kept',
      code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const { searchParams: back } = await new Person(user).visit(url);
    assert.equal(back.get('state'), 'kept');
    return { code: back.get('code'), redirect_uri: redirectUri, code_verifier };
  }

  test(`RFC 6749 §4.1: a person signs in (${authorizationMethod})`, async () => {
    const client = openApp();
    const first = await client.getToken(await signIn(client));
    assert.equal(first.expired(), false);
    const second = await first.refresh();
    assert.notEqual(second.token.refresh_token, first.token.refresh_token);
    const headers = { authorization: `Bearer ${second.token.access_token}` };
    const told = await fetch(userinfo, { headers });
    assert.equal((await told.json()).sub, user.subject);
    // It reads the answers as JSON, so that they may not be empty.
    await second.revokeAll();
    await assert.rejects(second.refresh(), refused);
    assert.equal((await fetch(userinfo, { headers })).status, 401);
  });

  test(`RFC 7636 §4.6: a code needs its verifier (${authorizationMethod})`, async () => {
    const client = openApp();
    const stolen = await signIn(client);
    const { code_verifier } = await signIn(client);
    await assert.rejects(client.getToken({ ...stolen, code_verifier }), refused);
  });

  test(`RFC 6749 §4.4: a client gets a token (${authorizationMethod})`, async () => {
    const client = open(ClientCredentials, clients[0]);
    const { token } = await client.getToken({ scope: 'read write' });
    assert.equal(token.scope, 'read write');
  });
}
