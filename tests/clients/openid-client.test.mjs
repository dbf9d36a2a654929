// A client with openid-client gets tokens (RFC 6749 §4.4), found through either metadata document.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as openid from 'openid-client';
import { clients, issuer, wrongSecret } from './issuer.mjs';

function discover({ client_id, client_secret }, ClientAuth, algorithm) {
  return openid.discovery(issuer, client_id, undefined, ClientAuth(client_secret), {
    algorithm,
    // The issuer is on loopback, where it speaks plain http; the library has to be told.
    execute: [openid.allowInsecureRequests],
  });
}

for (const algorithm of ['oauth2', 'oidc']) {
  for (const ClientAuth of [openid.ClientSecretBasic, openid.ClientSecretPost]) {
    for (const client of clients) {
      const names = `${client.alg}, ${ClientAuth.name}, ${algorithm}`;

      test(`RFC 6749 §4.4: a client gets a token (${names})`, async () => {
        const config = await discover(client, ClientAuth, algorithm);
        const answer = await openid.clientCredentialsGrant(config, {
          scope: 'read write',
          resource: client.other_audience,
        });
        assert.equal(answer.token_type, 'bearer');
        assert.equal(answer.scope, 'read write');
        assert.ok(answer.expires_in > 0 && answer.expires_in <= client.access_ttl);
      });

      test(`RFC 6749 §5.2: errors are understood (${names})`, async () => {
        const config = await discover(client, ClientAuth, algorithm);
        const unknownScope = openid.clientCredentialsGrant(config, { scope: 'delete' });
        await assert.rejects(unknownScope, { status: 400, error: 'invalid_scope' });
        const stranger = { ...client, client_secret: wrongSecret(client) };
        const refused = openid.clientCredentialsGrant(
          await discover(stranger, ClientAuth, algorithm),
        );
        await assert.rejects(refused, { status: 401, code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' });
      });
    }
  }
}
