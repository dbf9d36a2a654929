// Clients with oauth4webapi sign people in.

import * as oauth from 'oauth4webapi';
import { issuer, redirectUri } from './issuer.mjs';
import { testPeople } from './people.mjs';

const http = { [oauth.allowInsecureRequests]: true };
const found = await oauth.discoveryRequest(issuer, http);
const metadata = await oauth.processDiscoveryResponse(issuer, found);

testPeople(({ client_id, client_secret }, method) => {
  const client = { client_id };
  const proof = {
    client_secret_basic: oauth.ClientSecretBasic,
    client_secret_post: oauth.ClientSecretPost,
    none: oauth.None,
  }[method](client_secret);
  /** The tokens, after the signature and the claims of the ID token were validated. */
  async function validated(response, process, ...checks) {
    const tokens = await process(metadata, client, response, ...checks);
    await oauth.validateApplicationLevelSignature(metadata, response, http);
    return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
  }
  return {
    async begin(asked, isPushed) {
      const verifier = oauth.generateRandomCodeVerifier();
      const parameters = new URLSearchParams({
        client_id,
        redirect_uri: redirectUri,
        response_type: 'code',
        state: oauth.generateRandomState(),
        nonce: oauth.generateRandomNonce(),
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...asked,
      });
      const url = new URL(metadata.authorization_endpoint);
      url.search = parameters;
      if (isPushed) {
        const pushed = await oauth.pushedAuthorizationRequest(metadata, client, proof, parameters, http);
        const { request_uri } = await oauth.processPushedAuthorizationResponse(metadata, client, pushed);
        url.search = new URLSearchParams({ client_id, request_uri });
      }
      return {
        url,
        async finish(back) {
          const answer = back instanceof Request ? new URLSearchParams(await back.clone().text()) : back;
          const state = parameters.get('state');
          const valid = oauth.validateAuthResponse(metadata, client, answer, state);
          const request = [metadata, client, proof, valid, redirectUri, verifier, http];
          const response = await oauth.authorizationCodeGrantRequest(...request);
          return validated(response, oauth.processAuthorizationCodeResponse, {
            expectedNonce: parameters.get('nonce'),
            maxAge: asked.max_age && Number(asked.max_age),
            requireIdToken: true,
          });
        },
      };
    },
    async userinfo(token, subject) {
      const response = await oauth.userInfoRequest(metadata, client, token, http);
      return oauth.processUserInfoResponse(metadata, client, subject, response);
    },
    async refresh(token) {
      const response = await oauth.refreshTokenGrantRequest(metadata, client, proof, token, http);
      return validated(response, oauth.processRefreshTokenResponse);
    },
    async revoke(token) {
      const response = await oauth.revocationRequest(metadata, client, proof, token, http);
      return oauth.processRevocationResponse(response);
    },
    async device(asked) {
      const begun = await oauth.deviceAuthorizationRequest(metadata, client, proof, asked, http);
      const device = await oauth.processDeviceAuthorizationResponse(metadata, client, begun);
      const request = [metadata, client, proof, device.device_code, http];
      return {
        device,
        async poll() {
          const response = await oauth.deviceCodeGrantRequest(...request);
          return validated(response, oauth.processDeviceCodeResponse);
        },
      };
    },
    logout(asked) {
      const url = new URL(metadata.end_session_endpoint);
      url.search = new URLSearchParams({ client_id, ...asked });
      return url;
    },
  };
});
