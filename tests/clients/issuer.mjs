// What the Node clients are told: the issuer URL and the registered clients.
// Everything else they find through the issuer's metadata. `with-issuer` sets the environment.

import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';

export const issuer = new URL(process.env.ISSUER_URL);

const password = 'correct horse battery';

export const clients = JSON.parse(process.env.TOKENSMITH_CLIENTS);

/** The clients that refresh, revoke and introspect. */
export const grantClients = JSON.parse(process.env.TOKENSMITH_GRANT_CLIENTS);

/** A user that nobody else is. */
export function newSubject() {
  return `user-${randomUUID()}`;
}

/** Makes a grant as an operator does for a device: its id and its first refresh token. */
export function newGrant({ client_id }, subject = newSubject()) {
  const granted = ['--client', client_id, '--subject', subject];
  const scopes = ['--scope', 'read', '--scope', 'write'];
  return tokensmith(['grant', 'create', ...granted, ...scopes]);
}

/** Registers a client that signs with the private part of this key. */
export function newKeyClient(jwk, ...more) {
  const named = ['--id', `signs-${randomUUID()}`, '--scope', 'read', '--scope', 'write'];
  const grants = ['--grant', 'client_credentials', '--grant', 'refresh_token'];
  const authentication = ['--auth', 'private_key_jwt', '--jwks', '-'];
  const options = [...named, '--default-scope', 'read', ...grants, ...authentication, ...more];
  return tokensmith(['client', 'create', ...options], JSON.stringify({ keys: [jwk] }));
}

/** Somebody who can sign in. */
export function newUser() {
  const user_name = newSubject();
  const about = ['--full-name', 'Ada Lovelace', '--email', 'ada@example.com'];
  const created = ['user', 'create', user_name, '--password-stdin', ...about];
  return { ...tokensmith(created, password), password };
}

/** Where the clients of people want them back. Nobody answers there: the tests read the URL. */
export const redirectUri = 'https://client.example/callback';

/** With any port of it (RFC 8252 §7.3). */
export const loopbackUri = 'http://127.0.0.1/callback';

export const afterLogout = 'https://client.example/';

/** Registers an OpenID provider that people sign in through. */
export function newUpstream(name, url, options = [], secret) {
  const named = ['upstream', 'create', name, '--issuer', url, '--client-id', 'tokensmith'];
  return tokensmith([...named, ...options], secret);
}

/** Deletes one. */
export function deleteUpstream(name) {
  return tokensmith(['upstream', 'delete', name, '--yes']);
}

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code';

/** Registers a client that people sign in with; `options` are those of the command. */
export function newApp(...options) {
  const named = ['--id', `app-${randomUUID()}`, '--name', 'An app', '--redirect-uri', redirectUri];
  const grants = ['authorization_code', 'refresh_token', deviceCode];
  const scopes = ['openid', 'profile', 'email', 'offline_access', 'read'];
  const may = [
    ...grants.flatMap((grant) => ['--grant', grant]),
    ...scopes.flatMap((scope) => ['--scope', scope]),
    ...['--post-logout-redirect-uri', afterLogout],
  ];
  return tokensmith(['client', 'create', ...named, ...may, ...options]);
}

/** Registers an API with this scope. */
export function newResource(uri, scope) {
  tokensmith(['resource', 'create', uri, '--scope', `${scope}=Use the tools`]);
}

/** What the command says to these arguments, about the data of the issuer. */
export function tokensmith(options, input) {
  const { TOKENSMITH, TOKENSMITH_DATA_ARGUMENTS } = process.env;
  const data = JSON.parse(TOKENSMITH_DATA_ARGUMENTS);
  return JSON.parse(execFileSync(TOKENSMITH, [...options, ...data], { input }));
}

/** A well-formed secret that is not this client's. */
export function wrongSecret(client) {
  return clients.find((other) => other !== client).client_secret;
}

/** The token with one more scope, and the signature that it had before. */
export function tampered(token) {
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  claims.scope += ' write';
  const more = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return [header, more, signature].join('.');
}
