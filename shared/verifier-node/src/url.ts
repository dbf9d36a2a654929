// URLs: which may be fetched from, and which name one resource.

import { isIP } from 'node:net';

/** Whether `url` is https, or http on loopback, and has no part that two parsers could read differently. */
export function isProtected(url: string): boolean {
  const at = url.indexOf('://');
  if (at < 0 || !/^[\x21-\x5b\x5d-\x7e]*$/.test(url)) return false;
  const authority = authorityOf(url.slice(at + 3));
  if (authority === '' || authority.includes('@')) return false;
  const scheme = url.slice(0, at);
  return scheme === 'https' || (scheme === 'http' && isLoopback(authority));
}

/** Whether `url` is an issuer URL of tokensmith: an origin, without path or query. */
export function isOrigin(url: string): boolean {
  return isProtected(url) && !/[/?#]/.test(url.slice(url.indexOf('://') + 3));
}

function authorityOf(rest: string): string {
  return rest.split(/[/?#]/, 1)[0] ?? '';
}

function isLoopback(authority: string): boolean {
  const host = authority.replace(/:[0-9]*$/, '').replace(/^\[|\]$/g, '');
  if (host === 'localhost') return true;
  return isIP(host) === 4 ? host.startsWith('127.') : isIP(host) === 6 && /^[0:]*:0*1$/.test(host);
}

/**
 * The spelling by which URIs of resources are compared: byte by byte, except that an `http` or `https` URI without a path is the
 * one with the path `/` (RFC 3986 §6.2.3). Nothing else is normalized.
 */
export function canonicalResource(uri: string): string {
  const found = /^(https?:\/\/[^/?#]*)\/((?:[?#].*)?)$/s.exec(uri);
  return found === null ? uri : `${found[1]}${found[2]}`;
}

/** Whether two URLs are the same without query and fragment, after the normalization that RFC 9449 §4.3 asks for. */
export function isSameUrl(one: string, other: string): boolean {
  if (one === other) return true;
  const normal = normalized(one);
  return normal !== null && normal === normalized(other);
}

/** RFC 3986 §6.2.2 and §6.2.3; by hand, because `URL` changes more than that and refuses less. */
function normalized(url: string): string | null {
  const at = url.indexOf('://');
  const scheme = lowercase(url.slice(0, Math.max(at, 0)));
  if (scheme !== 'https' && scheme !== 'http') return null;
  const rest = url.slice(at + 3).split(/[?#]/, 1)[0] ?? '';
  const slash = rest.indexOf('/');
  const [authority, path] = slash < 0 ? [rest, ''] : [rest.slice(0, slash), rest.slice(slash)];
  const port = scheme === 'https' ? /:443$/ : /:80$/;
  const host = lowercase(authority).replace(port, '').replace(/:$/, '');
  const escaped = withNeededEscapes(path);
  return escaped === null ? null : `${scheme}://${host}${withoutDotSegments(escaped)}`;
}

/** Only the letters of ASCII have two cases in a URL. */
function lowercase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** RFC 3986 §6.2.2.1, §6.2.2.2; `null` for a percent sign that is no escape. */
function withNeededEscapes(path: string): string | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return null;
  return path.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : escape.toUpperCase();
  });
}

/** RFC 3986 §5.2.4, for a path that is empty or starts with a slash. */
function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  segments.forEach((segment, index) => {
    if (segment !== '.' && segment !== '..') {
      kept.push(segment);
      return;
    }
    if (segment === '..') kept.pop();
    if (index === segments.length - 1) kept.push('');
  });
  return `/${kept.join('/')}`;
}
