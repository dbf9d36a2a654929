// Web applications with Auth.js sign people in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Auth } from '@auth/core';
import { afterLogout, issuer, newApp, newUser } from './issuer.mjs';
import { Person } from './person.mjs';

const user = newUser();

/** A web application in somebody's browser: what it answers, with the cookies that it was given. */
function application() {
  const callback = new URL('/auth/callback/tokensmith', afterLogout);
  const app = newApp('--redirect-uri', callback.href);
  const config = {
    basePath: '/auth',
    secret: 'one that only this test has',
    trustHost: true,
    logger: { error() {} },
    providers: [
      {
        id: 'tokensmith',
        name: 'tokensmith',
        type: 'oidc',
        issuer: issuer.origin,
        clientId: app.client_id,
        clientSecret: app.client_secret,
        checks: ['pkce', 'state', 'nonce'],
        // Names and addresses are asked for at userinfo (OIDC Core §5.4): they are not in the ID token.
        idToken: false,
      },
    ],
    callbacks: {
      jwt: ({ token, profile }) => (profile ? { ...token, profile } : token),
      session: ({ session, token }) => ({ ...session, subject: token.profile.sub }),
    },
  };
  const cookies = new Map();
  return async (path, body) => {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const init = body ? { method: 'POST', body: new URLSearchParams(body) } : {};
    const request = new Request(new URL(path, afterLogout), { ...init, headers: { cookie } });
    const response = await Auth(request, config);
    for (const one of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(one);
      cookies.set(name, value);
    }
    return response;
  };
}

/** The URL that the application is called back with, once the person has decided. */
async function begin(ask, decision) {
  const { csrfToken } = await (await ask('/auth/csrf')).json();
  const sent = await ask('/auth/signin/tokensmith', { csrfToken });
  return new Person(user).visit(sent.headers.get('location'), decision);
}

test('OIDC Core §3.1: a person signs in', async () => {
  const ask = application();
  await ask(await begin(ask));
  const session = await (await ask('/auth/session')).json();
  assert.equal(session.subject, user.subject);
  assert.deepEqual(session.user, { name: 'Ada Lovelace', email: 'ada@example.com' });
});

test('RFC 6749 §4.1.2.1: a person refuses', async () => {
  const ask = application();
  const answer = await ask(await begin(ask, 'deny'));
  assert.match(answer.headers.get('location'), /error=/);
  assert.equal(await (await ask('/auth/session')).json(), null);
});

test('RFC 6749 §10.12: only the browser that asked gets in', async () => {
  const [ask, other] = [application(), application()];
  await other(await begin(ask));
  assert.equal(await (await other('/auth/session')).json(), null);
});
