// Middleware for Express, Connect, and whatever else has their signature.

import type { IncomingMessage, ServerResponse } from 'node:http';

import { answerTo, authorizer, headersOf, type Protection } from './adapter.js';
import type { Claims } from './claims.js';

declare global {
  // The name that the types of Express look for.
  namespace Express {
    interface Request {
      auth?: Claims;
    }
  }
}

/** A request of Express, as far as it is used. A handler behind the middleware finds the claims in `auth`. */
export type Request = IncomingMessage & { originalUrl?: string; auth?: Claims };

/**
 * Passes only requests with a valid access token on, and answers the others. CORS preflight requests have no token, so that what
 * answers them must come before this.
 */
export function protect(protection: Protection<Request>) {
  const authorize = authorizer(protection);
  return (request: Request, response: ServerResponse, next: (error?: unknown) => void): void => {
    const { method = '', originalUrl, url = '/' } = request;
    const admitted = authorize(request, { method, path: originalUrl ?? url, ...headersOf(request) });
    const pass = (claims: Claims) => {
      request.auth = claims;
      next();
    };
    const refuse = (error: unknown) => {
      const { status, headers } = answerTo(error, protection.resource);
      response.writeHead(status, { ...headers, 'Content-Length': '0' }).end();
    };
    // An error that is no refusal goes to the application's own handler of errors.
    admitted.then(pass, refuse).catch(next);
  };
}
