// What the scenarios are played with: people, clients and what they ask of the issuer.

import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { issuer, tokensmith } from '../clients/issuer.mjs';

export { issuer };

export const metadata = await (
  await fetch(new URL('/.well-known/openid-configuration', issuer))
).json();

/** Somebody with an account. */
export function newUser() {
  const [name, password] = [`ada-${randomUUID().slice(0, 8)}`, randomUUID()];
  const claims = ['--full-name', 'Ada Lovelace', '--email', `${name}@example.com`];
  const { subject } = tokensmith(
    ['user', 'create', name, '--password-stdin', ...claims],
    `${password}\n`,
  );
  return { sub: subject, name, password };
}

/** A client of this name, which may be told more by options of `client create`. */
export function newClient(name, ...options) {
  const scopes = ['openid', 'profile', 'email', 'offline_access'].flatMap((one) => ['--scope', one]);
  const named = ['--id', `${name.toLowerCase()}-${randomUUID().slice(0, 8)}`, '--name', name];
  return { name, ...tokensmith(['client', 'create', ...named, ...scopes, ...options]) };
}

/** A client for devices, which has no secret. */
export function newDeviceClient() {
  const grants = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'];
  return newClient('Television', '--public', ...grants.flatMap((one) => ['--grant', one]));
}

/** A verifier of PKCE with its challenge (RFC 7636 §4). */
export function newVerifier() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** Asks an endpoint of the metadata as this client: the status and the JSON of the answer. */
export async function ask(endpoint, { client_id, client_secret }, parameters) {
  const body = new URLSearchParams({ client_id, ...parameters });
  if (client_secret) {
    body.set('client_secret', client_secret);
  }
  const response = await fetch(metadata[endpoint], { method: 'POST', body });
  return { status: response.status, ...(await response.json()) };
}

/** What a token endpoint says to a refresh token. */
export function refresh(client, refresh_token) {
  return ask('token_endpoint', client, { grant_type: 'refresh_token', refresh_token });
}

/** A refresh token is good for nothing any more (RFC 6749 §5.2). */
export async function assertDead(client, refreshToken) {
  const { status, error } = await refresh(client, refreshToken);
  assert.deepEqual({ status, error }, { status: 400, error: 'invalid_grant' });
}
