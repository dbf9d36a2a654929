// Another OpenID provider: node-oidc-provider on loopback, where everybody has an account under any name.

import { createHmac, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { answerWithPages, interactions } from './plain-pages.mjs';

/** Starts a provider, which `register` then tells of its client. */
export async function startProvider() {
  let provider;
  const server = createServer((request, response) => answerWithPages(provider, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    register(client, changes = {}) {
      provider = new Provider(url, {
        clients: [{ response_types: ['code'], grant_types: ['authorization_code'], ...client }],
        conformIdTokenClaims: false,
        claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
        cookies: { keys: ['a key of the tests'] },
        features: { devInteractions: { enabled: false } },
        interactions,
        findAccount: (_, sub) => ({
          accountId: sub,
          claims: () => ({ sub, name: `${sub} elsewhere`, email: 'ada@example.com', email_verified: true }),
        }),
        ...changes,
      });
    },
    close: () => server.close(),
  };
}

/** Starts a provider that signs everybody in at once, with ID tokens that are wrong in one way. */
export async function startForger() {
  const keys = { own: generateKeyPairSync('ec', { namedCurve: 'P-256' }), another: generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
  const jwk = { ...keys.own.publicKey.export({ format: 'jwk' }), kid: 'own', alg: 'ES256', use: 'sig' };
  let [change, nonce, url] = [{}];

  function idToken() {
    const now = Math.floor(Date.now() / 1000);
    const right = { iss: url, sub: 'ada', aud: 'tokensmith', iat: now, exp: now + 60, nonce };
    const claims = JSON.parse(JSON.stringify({ ...right, ...change.claims }));
    const { alg = 'ES256', key = 'own' } = change;
    if (alg === 'ES256') {
      return new SignJWT(claims).setProtectedHeader({ alg, kid: 'own' }).sign(keys[key].privateKey);
    }
    const encoded = [{ alg, kid: 'own' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const mac = createHmac('sha256', JSON.stringify(jwk)).update(encoded).digest('base64url');
    return `${encoded}.${alg === 'none' ? '' : mac}`;
  }

  async function answer({ pathname, searchParams }) {
    if (pathname === '/authorize') {
      nonce = searchParams.get('nonce');
      const back = new URL(searchParams.get('redirect_uri'));
      back.searchParams.set('code', 'a code');
      back.searchParams.set('state', searchParams.get('state'));
      return back;
    }
    if (pathname === '/token') {
      return change.absent ? {} : { id_token: await idToken() };
    }
    if (pathname === '/jwks') {
      return { keys: [jwk] };
    }
    const endpoints = { authorization_endpoint: `${url}/authorize`, token_endpoint: `${url}/token`, jwks_uri: `${url}/jwks` };
    return { issuer: url, ...endpoints };
  }

  const server = createServer(async (request, response) => {
    const answered = await answer(new URL(request.url, url));
    if (answered instanceof URL) {
      response.writeHead(303, { location: answered.href }).end();
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${server.address().port}`;
  return { url, change: (to) => (change = to), close: () => server.close() };
}
