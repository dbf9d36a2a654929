// Native apps with AppAuth sign people in, and are redirected to loopback (RFC 8252 §7.3).

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { issuer, loopbackUri, newApp, newUser } from './issuer.mjs';
import { Person } from './person.mjs';

// Its packages are CommonJS.
const require = createRequire(import.meta.url);
const appauth = require('@openid/appauth');
const { NodeCrypto, NodeRequestor } = require('@openid/appauth/built/node_support');
require('@openid/appauth/built/flags').IS_LOG = false;

const user = newUser();
const requestor = new NodeRequestor();
const tokens = new appauth.BaseTokenRequestHandler(requestor);

/** How an app gets to a browser and back, which AppAuth has apps extend. */
class Browser extends appauth.AuthorizationRequestHandler {
  constructor(decision) {
    super(new appauth.BasicQueryStringUtils(), new NodeCrypto());
    this.decision = decision;
  }

  async performAuthorizationRequest(configuration, request) {
    await request.setupCodeVerifier();
    const url = this.buildRequestUrl(configuration, request);
    const { searchParams } = await new Person(user).visit(url, this.decision);
    const back = Object.fromEntries(searchParams);
    this.completed = {
      request,
      response: 'code' in back ? new appauth.AuthorizationResponse(back) : null,
      error: 'error' in back ? new appauth.AuthorizationError(back) : null,
    };
    await this.completeAuthorizationRequestIfPossible();
  }

  async completeAuthorizationRequest() {
    return this.completed;
  }
}

/** An app with its configuration, and what came of sending the person to the browser. */
async function begin(decision) {
  const { client_id } = newApp('--public', '--redirect-uri', loopbackUri);
  const { AuthorizationServiceConfiguration } = appauth;
  const configuration = await AuthorizationServiceConfiguration.fetchFromIssuer(issuer.origin, requestor);
  const redirect_uri = 'http://127.0.0.1:50000/callback';
  const asked = { redirect_uri, scope: 'openid offline_access read', response_type: 'code' };
  const request = new appauth.AuthorizationRequest({ ...asked, client_id }, new NodeCrypto());
  const browser = new Browser(decision);
  const notifier = new appauth.AuthorizationNotifier();
  browser.setAuthorizationNotifier(notifier);
  const told = new Promise((resolve) => {
    notifier.setAuthorizationListener((request, response, error) =>
      resolve({ request, response, error }),
    );
  });
  await browser.performAuthorizationRequest(configuration, request);
  return { ...(await told), configuration, app: { client_id, redirect_uri } };
}

test('RFC 8252 §4.1: a person signs in to a native app', async () => {
  const { request, response, configuration, app } = await begin('allow');
  const perform = (asked) =>
    tokens.performTokenRequest(configuration, new appauth.TokenRequest({ ...app, ...asked }));
  const first = await perform({
    grant_type: appauth.GRANT_TYPE_AUTHORIZATION_CODE,
    code: response.code,
    extras: { code_verifier: request.internal.code_verifier },
  });
  assert.ok(first.isValid());
  const second = await perform({
    grant_type: appauth.GRANT_TYPE_REFRESH_TOKEN,
    refresh_token: first.refreshToken,
  });
  assert.notEqual(second.refreshToken, first.refreshToken);

  const headers = { authorization: `Bearer ${second.accessToken}` };
  const told = await fetch(configuration.userInfoEndpoint, { headers });
  assert.equal((await told.json()).sub, user.subject);
  const revoked = new appauth.RevokeTokenRequest({ ...app, token: second.refreshToken });
  assert.equal(await tokens.performRevokeTokenRequest(configuration, revoked), true);
  assert.equal((await fetch(configuration.userInfoEndpoint, { headers })).status, 401);
});

test('RFC 6749 §4.1.2.1: a person refuses a native app', async () => {
  const { error, response } = await begin('deny');
  assert.deepEqual([response, error.error], [null, 'access_denied']);
});
