// What the Node clients are told: the issuer URL and one registered client per algorithm.
// Everything else they find through the issuer's metadata. `with-issuer` sets the environment.

export const issuer = new URL(process.env.ISSUER_URL);

export const clients = JSON.parse(process.env.TOKENSMITH_CLIENTS);

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
