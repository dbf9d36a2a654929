import * as crypto from 'node:crypto';

/**
 * The SHA-256 of a text, as text: making a `Buffer` takes three times as long as the hash. `hash` is faster than `createHash`, and
 * in Node since 20.12.
 */
export const sha256: (text: string, encoding: 'base64url' | 'binary') => string =
  typeof crypto.hash === 'function'
    ? (text, encoding) => crypto.hash('sha256', text, encoding)
    : (text, encoding) => crypto.createHash('sha256').update(text).digest(encoding);
