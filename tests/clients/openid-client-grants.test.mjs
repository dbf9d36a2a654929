// Clients with openid-client refresh, revoke and introspect.

import * as openid from 'openid-client';
import { testGrants } from './grants.mjs';
import { issuer } from './issuer.mjs';

await testGrants(async ({ client_id, client_secret }, method) => {
  const proof = {
    client_secret_basic: openid.ClientSecretBasic,
    client_secret_post: openid.ClientSecretPost,
    none: openid.None,
  }[method](client_secret);
  const config = await openid.discovery(issuer, client_id, undefined, proof, {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  });
  return {
    refresh: (token, parameters) => openid.refreshTokenGrant(config, token, parameters),
    revoke: (token, parameters) => openid.tokenRevocation(config, token, parameters),
    introspect: (token, parameters) => openid.tokenIntrospection(config, token, parameters),
  };
});
