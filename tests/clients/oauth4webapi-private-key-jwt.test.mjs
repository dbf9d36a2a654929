// Clients with oauth4webapi sign what authenticates them.

import * as oauth from 'oauth4webapi';
import { issuer } from './issuer.mjs';
import { testAssertions } from './private-key-jwt.mjs';

const http = { [oauth.allowInsecureRequests]: true };
const found = await oauth.discoveryRequest(issuer, { ...http, algorithm: 'oauth2' });
const metadata = await oauth.processDiscoveryResponse(issuer, found);

testAssertions(async ({ client_id }, key, modify = () => {}) => {
  const client = { client_id };
  const proof = oauth.PrivateKeyJwt(key, { [oauth.modifyAssertion]: modify });
  const ask = (request, argument) => request(metadata, client, proof, argument, http);
  return {
    async credentials() {
      const response = await ask(oauth.clientCredentialsGrantRequest, new URLSearchParams());
      return oauth.processClientCredentialsResponse(metadata, client, response);
    },
    async refresh(token) {
      const response = await ask(oauth.refreshTokenGrantRequest, token);
      return oauth.processRefreshTokenResponse(metadata, client, response);
    },
    async revoke(token) {
      const response = await ask(oauth.revocationRequest, token);
      return oauth.processRevocationResponse(response);
    },
    async introspect(token) {
      const response = await ask(oauth.introspectionRequest, token);
      return oauth.processIntrospectionResponse(metadata, client, response);
    },
  };
});
