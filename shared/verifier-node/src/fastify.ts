// Hooks for Fastify: for one route, or as a plugin for all routes of an instance.

import type { IncomingMessage } from 'node:http';

import type { FastifyPluginAsync } from 'fastify';

import { answerTo, authorizer, headersOf, type Protection } from './adapter.js';
import type { Claims } from './claims.js';

declare module 'fastify' {
  interface FastifyRequest {
    auth?: Claims;
  }
}

/** A request of Fastify, as far as it is used. A handler finds the claims in `auth`. */
export interface Request {
  raw: IncomingMessage;
  originalUrl: string;
  method: string;
  auth?: Claims;
}

/** A reply of Fastify, as far as it is used. */
export interface Reply {
  code(status: number): unknown;
  headers(headers: Record<string, string>): unknown;
  send(payload?: unknown): unknown;
}

/** A hook (`onRequest`, or `preHandler`) that passes only requests with a valid access token on, and answers the others. */
export function protect(protection: Protection<Request>) {
  const authorize = authorizer(protection);
  return async (request: Request, reply: Reply): Promise<unknown> => {
    const { method, originalUrl: path, raw } = request;
    try {
      request.auth = await authorize(request, { method, path, ...headersOf(raw) });
      return undefined;
    } catch (error) {
      const { status, headers } = answerTo(error, protection.resource);
      reply.code(status);
      reply.headers(headers);
      reply.send();
      // Fastify runs nothing more of a request when a hook returns its reply.
      return reply;
    }
  };
}

const plugin: FastifyPluginAsync<Protection<Request>> = async (instance, protection) => {
  if (!instance.hasRequestDecorator('auth')) instance.decorateRequest('auth', undefined);
  instance.addHook('onRequest', protect(protection));
};

/** A plugin that protects every route of the instance that it is registered with. */
// Without the symbol Fastify gives a plugin an instance of its own, and the hook would protect nothing.
export default Object.assign(plugin, { [Symbol.for('skip-override')]: true });
