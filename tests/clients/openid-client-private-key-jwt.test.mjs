// Clients with openid-client sign what authenticates them.

import * as openid from 'openid-client';
import { issuer } from './issuer.mjs';
import { testAssertions } from './private-key-jwt.mjs';

testAssertions(async ({ client_id }, key, modify = () => {}) => {
  const proof = openid.PrivateKeyJwt(key, { [openid.modifyAssertion]: modify });
  const config = await openid.discovery(issuer, client_id, undefined, proof, {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  });
  return {
    credentials: () => openid.clientCredentialsGrant(config),
    refresh: (token) => openid.refreshTokenGrant(config, token),
    revoke: (token) => openid.tokenRevocation(config, token),
    introspect: (token) => openid.tokenIntrospection(config, token),
  };
});
