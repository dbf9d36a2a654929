// Web applications with passport sign people in: passport-oauth2 with PKCE, and
// passport-openidconnect, which has none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import express from 'express';
import { Passport } from 'passport';
import OAuth2Strategy from 'passport-oauth2';
import OpenIDConnectStrategy from 'passport-openidconnect';
import { issuer, loopbackUri, newApp, newUser } from './issuer.mjs';
import { Person } from './person.mjs';
import { sentTo, serve } from './server.mjs';

const found = await fetch(new URL('/.well-known/openid-configuration', issuer));
const metadata = await found.json();
const user = newUser();

/** What every strategy is told. */
function told({ client_id, client_secret }, callbackURL) {
  return {
    authorizationURL: metadata.authorization_endpoint,
    tokenURL: metadata.token_endpoint,
    clientID: client_id,
    clientSecret: client_secret,
    callbackURL,
  };
}

const strategies = {
  'passport-oauth2': {
    options: [],
    make(app, callbackURL) {
      const strategy = new OAuth2Strategy(
        { ...told(app, callbackURL), scope: ['openid', 'profile'], pkce: true, state: true },
        (_accessToken, _refreshToken, profile, done) => done(null, { id: profile.sub }),
      );
      // The library leaves it to its caller to ask who it is.
      strategy.userProfile = (token, done) => {
        const headers = { authorization: `Bearer ${token}` };
        const answer = fetch(metadata.userinfo_endpoint, { headers });
        answer.then((response) => response.json()).then((profile) => done(null, profile), done);
      };
      return strategy;
    },
  },
  'passport-openidconnect': {
    options: ['--pkce', 'optional'],
    make: (app, callbackURL) =>
      new OpenIDConnectStrategy(
        {
          ...told(app, callbackURL),
          issuer: metadata.issuer,
          userInfoURL: metadata.userinfo_endpoint,
          scope: ['profile'],
          nonce: true,
        },
        (_issuer, profile, done) => done(null, { id: profile.id }),
      ),
  },
};

/** The URL of a web application for one person, who has one session. */
async function start(t, { make, options }) {
  const app = express();
  const url = await serve(t, app);
  const session = {};
  app.use((request, _response, next) => {
    request.session = session;
    next();
  });
  const registered = newApp('--redirect-uri', loopbackUri, ...options);
  const passport = new Passport().use('issuer', make(registered, `${url}/callback`));
  const authenticate = passport.authenticate('issuer', { session: false });
  app.get('/login', authenticate);
  app.get('/callback', authenticate, (request, response) => response.json(request.user));
  return url;
}

for (const [name, strategy] of Object.entries(strategies)) {
  test(`RFC 6749 §4.1: a person signs in (${name})`, async (t) => {
    const url = await start(t, strategy);
    const back = await new Person(user).visit(await sentTo(`${url}/login`));
    assert.equal(back.origin, url, 'RFC 8252 §7.3: any port of loopback');
    const answer = await fetch(back);
    assert.equal(answer.status, 200, await answer.clone().text());
    assert.equal((await answer.json()).id, user.subject);
  });

  test(`RFC 6749 §4.1.2.1: a person refuses (${name})`, async (t) => {
    const url = await start(t, strategy);
    const back = await new Person(user).visit(await sentTo(`${url}/login`), 'deny');
    assert.equal((await fetch(back)).status, 401);
  });

  test(`RFC 6749 §10.12: nobody asked for this answer (${name})`, async (t) => {
    const url = await start(t, strategy);
    const back = await new Person(user).visit(await sentTo(`${url}/login`));
    back.searchParams.set('state', 'another');
    assert.equal((await fetch(back)).status, 403);
  });
}

test('RFC 9700 §2.1.1: there is no code without PKCE, unless an operator allows it', async (t) => {
  const url = await start(t, { ...strategies['passport-openidconnect'], options: [] });
  const back = await new Person(user).visit(await sentTo(`${url}/login`));
  assert.equal(back.searchParams.get('error'), 'invalid_request');
});
