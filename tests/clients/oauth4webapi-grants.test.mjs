// Clients with oauth4webapi refresh, revoke and introspect.

import * as oauth from 'oauth4webapi';
import { testGrants } from './grants.mjs';
import { issuer } from './issuer.mjs';

const http = { [oauth.allowInsecureRequests]: true };
const found = await oauth.discoveryRequest(issuer, { ...http, algorithm: 'oauth2' });
const metadata = await oauth.processDiscoveryResponse(issuer, found);

await testGrants(async ({ client_id, client_secret }, method) => {
  const client = { client_id };
  const proof = {
    client_secret_basic: oauth.ClientSecretBasic,
    client_secret_post: oauth.ClientSecretPost,
    none: oauth.None,
  }[method](client_secret);
  const ask = (request, token, additionalParameters) =>
    request(metadata, client, proof, token, { ...http, additionalParameters });
  return {
    async refresh(token, parameters) {
      const response = await ask(oauth.refreshTokenGrantRequest, token, parameters);
      return oauth.processRefreshTokenResponse(metadata, client, response);
    },
    async revoke(token, parameters) {
      const response = await ask(oauth.revocationRequest, token, parameters);
      return oauth.processRevocationResponse(response);
    },
    async introspect(token, parameters) {
      const response = await ask(oauth.introspectionRequest, token, parameters);
      return oauth.processIntrospectionResponse(metadata, client, response);
    },
  };
});
