// Is compiled where the package is installed, and never run.

import { createServer } from 'node:http';
import { type Claims, Refusal, Verifier } from '@tokensmith/verifier';
import { protect as forExpress } from '@tokensmith/verifier/express';
import plugin, { protect as forFastify } from '@tokensmith/verifier/fastify';
import { protect as forHono, type Variables } from '@tokensmith/verifier/hono';
import { protect as forLambda } from '@tokensmith/verifier/lambda';
import { testIssuer } from '@tokensmith/verifier/testing';
import fastify from 'fastify';
import { Hono } from 'hono';

const issuer = await testIssuer();
const verifier = new Verifier({ ...issuer.options, revocations: { whenStale: 'fail-open' }, dpop: 'optional' });
const protection = { verifier, scopes: 'read', url: 'https://api.example' };

createServer((request, response) => forExpress(protection)(request, response, () => undefined));

const app = fastify();
app.get('/', { onRequest: forFastify(protection) }, async (request) => request.auth?.subject);
app.register(plugin, protection);

const hono = new Hono<{ Variables: Variables }>();
hono.use('/orders/*', forHono(protection));
hono.get('/orders/:id', (context) => context.text(context.get('auth').subject));

export const handler = forLambda(protection, async (event, context: { awsRequestId: string }, auth: Claims) => ({
  statusCode: 200,
  body: `${event.rawPath} ${context.awsRequestId} ${auth.hasScope('read')}`,
}));

try {
  await verifier.authorize({ authorization: undefined, method: 'GET', url: 'https://api.example/' }, 'a | b');
} catch (error) {
  if (error instanceof Refusal && error.reason === 'no_token') console.log(error.challenge().headers['WWW-Authenticate']);
}
