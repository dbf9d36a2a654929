// Middleware for Hono.

import { answerTo, authorizer, type Protection, type Read } from './adapter.js';
import type { Claims } from './claims.js';

/** The variables of a context behind the middleware: `new Hono<{ Variables: Variables }>()`. */
export interface Variables {
  auth: Claims;
}

/** A context of Hono, as far as it is used: its own type differs with the application. */
export interface Context {
  req: { method: string; url: string; header(name: string): string | undefined };
  /** That of an application takes the names of its own variables alone. */
  set: (...variable: never) => void;
}

/** Passes only requests with a valid access token on, with the claims in the variable `auth`, and answers the others. */
export function protect(protection: Protection<Context>) {
  const authorize = authorizer(protection);
  return async (context: Context, next: () => Promise<void>): Promise<Response | undefined> => {
    try {
      (context.set as (name: string, claims: Claims) => void)('auth', await authorize(context, readOf(context)));
    } catch (error) {
      const { status, headers } = answerTo(error, protection.resource);
      return new Response(null, { status, headers });
    }
    await next();
    return undefined;
  };
}

/** The web's `Headers` join what is repeated with a comma, which neither a token nor a proof contains. */
function readOf({ req }: Context): Read {
  const { pathname } = new URL(req.url);
  return { method: req.method, path: pathname, authorization: req.header('authorization'), dpop: req.header('dpop') };
}
