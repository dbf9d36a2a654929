// The adapters, in real servers of the frameworks, and with events as AWS documents them.

import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import { after, test } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { ProtectedResource, Verifier } from '../dist/index.js';
import { protect as protectExpress } from '../dist/express.js';
import plugin, { protect as protectFastify } from '../dist/fastify.js';
import { protect as protectHono } from '../dist/hono.js';
import { protect as protectLambda } from '../dist/lambda.js';
import { testIssuer } from '../dist/testing.js';

const URL_OF_CALLERS = 'https://api.example';
const closing = [];
after(() => Promise.all(closing.map((close) => close())));

/** A server of `node:http` on a free port: where it listens. */
async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }));
  return server.address().port;
}

/** Each starts a server whose `GET /orders/:id` says who called; what it gives back is the port. */
const FRAMEWORKS = {
  express: async (protection) => {
    const app = express();
    const router = express.Router();
    router.get('/:id', protectExpress(protection), (request, response) => response.send(request.auth.subject));
    app.use('/orders', router);
    return listen(createServer(app));
  },
  'fastify, a hook': async (protection) => {
    const app = fastify();
    app.get('/orders/:id', { preHandler: protectFastify(protection) }, async (request) => request.auth.subject);
    await app.listen({ port: 0, host: '127.0.0.1' });
    closing.push(() => app.close());
    return app.server.address().port;
  },
  'fastify, a plugin': async (protection) => {
    const app = fastify();
    await app.register(plugin, protection);
    app.get('/orders/:id', async (request) => request.auth.subject);
    await app.listen({ port: 0, host: '127.0.0.1' });
    closing.push(() => app.close());
    return app.server.address().port;
  },
  hono: async (protection) => {
    const app = new Hono();
    app.use('/orders/*', protectHono(protection));
    app.get('/orders/:id', (context) => context.text(context.get('auth').subject));
    return listen(createServer(async (incoming, outgoing) => {
      const headers = new Headers();
      for (const [name, values] of Object.entries(incoming.headersDistinct)) for (const value of values) headers.append(name, value);
      const answer = await app.fetch(new Request(`http://127.0.0.1${incoming.url}`, { method: incoming.method, headers }));
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
    }));
  },
  'lambda, format 2.0': async (protection) => lambdaServer(protection, ({ incoming, path, query, joined }) => ({
    version: '2.0', rawPath: path, rawQueryString: query, headers: joined, requestContext: { http: { method: incoming.method, path } },
  })),
  'lambda, format 1.0': async (protection) => lambdaServer(protection, ({ incoming, path, distinct }) => ({
    version: '1.0', httpMethod: incoming.method, path: path.replace('/prod', ''), multiValueHeaders: distinct,
    headers: Object.fromEntries(Object.entries(distinct).map(([name, values]) => [name, values.at(-1)])), requestContext: { path },
  })),
};

/** A stand-in for the gateway. */
function lambdaServer(protection, eventOf) {
  const handler = protectLambda(protection, (event, context, auth) => ({ statusCode: 200, body: `${auth.subject}${context.suffix}` }));
  return listen(createServer(async (incoming, outgoing) => {
    const [path, query = ''] = incoming.url.split('?');
    const distinct = Object.fromEntries(Object.entries(incoming.headersDistinct).map(([name, values]) => [name.toUpperCase(), values]));
    const joined = Object.fromEntries(Object.entries(incoming.headersDistinct).map(([name, values]) => [name, values.join(',')]));
    const { statusCode, headers = {}, body } = await handler(eventOf({ incoming, path, query, distinct, joined }), { suffix: '' });
    outgoing.writeHead(statusCode, headers).end(body);
  }));
}

/** Unlike `fetch`, this can repeat a header. */
function ask(port, headers, path = '/orders/7?a=b') {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path, headers, agent: false }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject).end();
  });
}

for (const [name, start] of Object.entries(FRAMEWORKS)) {
  test(`RFC 6750 §3: ${name}: 200, 401, 400, 403 and 503`, async () => {
    const issuer = await testIssuer();
    const verifier = new Verifier(issuer.options);
    const port = await start({ verifier, scopes: 'orders:read & (orders:write | admin)' });
    const token = await issuer.token({ scope: 'orders:read admin', exp: issuer.now + 10_000 });
    const good = await ask(port, { authorization: `Bearer ${token}` });
    assert.deepEqual([good.status, good.body], [200, 'alice']);

    const nothing = await ask(port, {});
    assert.deepEqual([nothing.status, nothing.body], [401, '']);
    assert.equal(nothing.headers['www-authenticate'], 'Bearer realm="https://api.example"');
    assert.equal(nothing.headers['cache-control'], 'no-store');

    const twice = await ask(port, ['Authorization', `Bearer ${token}`, 'Authorization', `Bearer ${token}`, 'Host', 'x']);
    assert.equal(twice.status, 400);
    assert.match(twice.headers['www-authenticate'], /error="invalid_request"/);

    const lacking = await ask(port, { authorization: `Bearer ${await issuer.token({ scope: 'orders:read' })}` });
    assert.equal(lacking.status, 403);
    assert.match(lacking.headers['www-authenticate'], /error="insufficient_scope".*scope="orders:read orders:write"/);

    issuer.revokeToken(token);
    issuer.pass(5);
    const revoked = await ask(port, { authorization: `Bearer ${token}` });
    assert.equal(revoked.status, 401);
    assert.match(revoked.headers['www-authenticate'], /error_description="the token was revoked"/);

    issuer.isDown = true;
    issuer.pass(121);
    const unknown = await ask(port, { authorization: `Bearer ${token}` });
    assert.deepEqual([unknown.status, unknown.headers['retry-after']], [503, '1']);
    assert.equal(unknown.headers['www-authenticate'], undefined);
  });

  test(`RFC 9449 §7.1: ${name}: a bound token with its proof is accepted once`, async () => {
    const issuer = await testIssuer();
    const verifier = new Verifier({ ...issuer.options, dpop: 'optional' });
    const port = await start({ verifier, url: `${URL_OF_CALLERS}/` });
    const { token, proof } = await issuer.boundToken();
    const headers = { authorization: `DPoP ${token}`, dpop: await proof('GET', `${URL_OF_CALLERS}/orders/7`) };
    assert.equal((await ask(port, headers)).body, 'alice');
    const again = await ask(port, headers);
    assert.equal(again.status, 401);
    assert.match(again.headers['www-authenticate'], /^DPoP .*error="invalid_dpop_proof".*, Bearer realm="https:\/\/api.example"$/);
    const elsewhere = { ...headers, dpop: await proof('GET', `${URL_OF_CALLERS}/orders/8`) };
    assert.equal((await ask(port, elsewhere)).status, 401);
    const fresh = () => proof('GET', `${URL_OF_CALLERS}/orders/7`);
    const two = ['Authorization', headers.authorization, 'DPoP', await fresh(), 'DPoP', await fresh(), 'Host', 'x'];
    assert.match((await ask(port, two)).headers['www-authenticate'], /the DPoP header is repeated/);
    assert.equal((await ask(port, { authorization: `Bearer ${token}` })).status, 401);
  });
}

test('RFC 9728 §3.1, §5.1: challenges name the metadata of the resource, which have a path behind the host', async () => {
  const issuer = await testIssuer({ audience: 'https://api.example:8443/v1/' });
  const verifier = new Verifier({ ...issuer.options, dpop: 'optional' });
  const resource = new ProtectedResource(verifier, ['read']);
  assert.equal(resource.path, '/.well-known/oauth-protected-resource/v1');
  assert.equal(resource.url, 'https://api.example:8443/.well-known/oauth-protected-resource/v1');
  assert.deepEqual(JSON.parse(resource.answer().body), {
    resource: 'https://api.example:8443/v1/',
    authorization_servers: ['https://issuer.example'],
    scopes_supported: ['read'],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256', 'ES384'],
    dpop_bound_access_tokens_required: false,
  });
  for (const start of Object.values(FRAMEWORKS)) {
    const answer = await ask(await start({ verifier, url: URL_OF_CALLERS, resource }), {});
    assert.ok(answer.headers['www-authenticate'].endsWith(`, resource_metadata="${resource.url}"`));
  }
  for (const audience of ['urn:api', 'https://', 'https://api.example/?a=b', 'api']) {
    assert.throws(() => new ProtectedResource(new Verifier({ ...issuer.options, audience })), TypeError, audience);
  }
});

test('a verifier that checks proofs must be told a URL, and an expression must be one', async () => {
  const issuer = await testIssuer();
  for (const protect of [protectExpress, protectFastify, protectHono, protectLambda]) {
    const bound = new Verifier({ ...issuer.options, dpop: 'required' });
    assert.throws(() => protect({ verifier: bound }), TypeError);
    assert.throws(() => protect({ verifier: new Verifier(issuer.options), scopes: 'a &' }), /a scope is missing/);
  }
});

test('requests of HTTP/2, and those that Fastify makes up for tests, are authorized as well', async () => {
  const issuer = await testIssuer();
  const protection = { verifier: new Verifier(issuer.options) };
  const headers = { authorization: `Bearer ${await issuer.token()}` };
  const app = fastify();
  await app.register(plugin, protection);
  app.get('/', async (request) => request.auth.subject);
  assert.equal((await app.inject({ url: '/', headers })).body, 'alice');
  assert.equal((await app.inject({ url: '/' })).statusCode, 401);
  const request = { method: 'GET', url: '/', headers };
  await new Promise((resolve) => protectExpress(protection)(request, {}, resolve));
  assert.equal(request.auth.subject, 'alice');
});

test('the URL of callers can be made from each request', async () => {
  const issuer = await testIssuer();
  const verifier = new Verifier({ ...issuer.options, dpop: 'required' });
  const url = (event) => `https://api.example/${event.tenant}`;
  const handler = protectLambda({ verifier, url }, () => 'good');
  const { token, proof } = await issuer.boundToken();
  const headers = { authorization: `DPoP ${token}`, dpop: await proof('GET', 'https://api.example/one') };
  const event = { rawPath: '/', headers, requestContext: { http: { method: 'GET' } } };
  assert.equal((await handler({ ...event, tenant: 'two' })).statusCode, 401);
  assert.equal(await handler({ ...event, tenant: 'one' }), 'good');
});
