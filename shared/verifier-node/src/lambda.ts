// A wrapper for Lambda functions behind API Gateway (HTTP APIs and REST APIs, with either payload format) or a function URL.

import { answerTo, authorizer, type Protection, type Read } from './adapter.js';
import type { Claims } from './claims.js';

type Headers = Record<string, string | undefined> | null | undefined;

/** An event of payload format 1.0 or 2.0, as far as it is used. */
export interface HttpEvent {
  version?: string;
  headers?: Headers;
  multiValueHeaders?: Record<string, string[] | undefined> | null | undefined;
  httpMethod?: string;
  path?: string;
  rawPath?: string;
  requestContext?: { path?: string; http?: { method?: string } };
}

/** The answer to a refused request. */
export interface RefusedAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * Calls the handler with events that have a valid access token, and with the token's claims, and answers the others.
 *
 * `url` of the options stands before the path that callers use, which has the stage in front where the API has one.
 */
export function protect<E extends HttpEvent, C, R>(
  protection: Protection<E>,
  handler: (event: E, context: C, auth: Claims) => Promise<R> | R,
): (event: E, context: C) => Promise<R | RefusedAnswer> {
  const authorize = authorizer(protection);
  return async (event, context) => {
    let auth: Claims;
    try {
      auth = await authorize(event, readOf(event));
    } catch (error) {
      const { status, headers } = answerTo(error, protection.resource);
      return { statusCode: status, headers, body: '' };
    }
    return handler(event, context, auth);
  };
}

function readOf(event: HttpEvent): Read {
  const { requestContext } = event;
  const values = (name: string) => headerOf(event, name);
  return {
    method: requestContext?.http?.method ?? event.httpMethod ?? '',
    path: event.rawPath ?? requestContext?.path ?? event.path ?? '/',
    authorization: values('authorization'),
    dpop: values('dpop'),
  };
}

/** Format 1.0 keeps the case of names and the values apart; 2.0 has names in lower case, and joins values with a comma. */
function headerOf({ headers, multiValueHeaders }: HttpEvent, name: string): string[] {
  const all = Object.entries(multiValueHeaders ?? {}).filter(([key]) => key.toLowerCase() === name);
  const repeated = all.flatMap(([, values]) => values ?? []);
  if (repeated.length > 0) return repeated;
  const single = Object.entries(headers ?? {}).filter(([key]) => key.toLowerCase() === name);
  return single.flatMap(([, value]) => (value === undefined ? [] : [value]));
}
