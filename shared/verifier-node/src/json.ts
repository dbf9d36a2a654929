// What is decoded before it is believed: strict, so that no two readers see different things in one text.

import { isUtf8 } from 'node:buffer';

/** An object of JSON, of which nothing is known. */
export type JsonObject = Record<string, unknown>;

/** The members of the JSON object that the bytes are, or `null`. */
export function parseObject(bytes: Uint8Array): JsonObject | null {
  if (!isUtf8(bytes)) return null;
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the value is a whole number of seconds, or of whatever else cannot be negative. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 64;
}

/** Whether an optional member has this form: absent and `null` are the same. */
export function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined | null {
  return value === undefined || value === null || is(value);
}

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** The last characters that leave no bits over, for each remainder of the length by four. */
const LAST = [/[A-Za-z0-9_-]$/, null, /[AQgw]$/, /[AEIMQUYcgkosw048]$/] as const;

/** Whether the text is base64url without padding, in the only spelling that its bytes have (RFC 7515 §2, RFC 4648 §3.5). */
export function isBase64url(text: string): boolean {
  if (text === '') return true;
  const last = LAST[text.length % 4];
  return last != null && /^[A-Za-z0-9_-]*$/.test(text) && last.test(text);
}

/** The bytes, or `null` for a text that is no base64url. `Buffer` alone takes everything. */
export function fromBase64url(text: string): Buffer | null {
  return isBase64url(text) ? Buffer.from(text, 'base64url') : null;
}
