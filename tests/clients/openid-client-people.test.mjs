// Clients with openid-client sign people in.

import * as openid from 'openid-client';
import { issuer, redirectUri } from './issuer.mjs';
import { testPeople } from './people.mjs';

testPeople(async ({ client_id, client_secret }, method) => {
  const proof = {
    client_secret_basic: openid.ClientSecretBasic,
    client_secret_post: openid.ClientSecretPost,
    none: openid.None,
  }[method](client_secret);
  const config = await openid.discovery(issuer, client_id, undefined, proof, {
    execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks],
  });
  const withClaims = (tokens) => ({ tokens, claims: tokens.claims() });
  return {
    async begin(asked, isPushed) {
      const pkceCodeVerifier = openid.randomPKCECodeVerifier();
      const parameters = {
        redirect_uri: redirectUri,
        state: openid.randomState(),
        nonce: openid.randomNonce(),
        code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        ...asked,
      };
      const build = isPushed ? openid.buildAuthorizationUrlWithPAR : openid.buildAuthorizationUrl;
      const checks = {
        pkceCodeVerifier,
        expectedState: parameters.state,
        expectedNonce: parameters.nonce,
        maxAge: asked.max_age && Number(asked.max_age),
        idTokenExpected: true,
      };
      return {
        url: await build(config, parameters),
        async finish(back) {
          return withClaims(await openid.authorizationCodeGrant(config, back, checks));
        },
      };
    },
    userinfo: (token, subject) => openid.fetchUserInfo(config, token, subject),
    refresh: async (token) => withClaims(await openid.refreshTokenGrant(config, token)),
    revoke: (token) => openid.tokenRevocation(config, token),
    async device(asked) {
      const device = await openid.initiateDeviceAuthorization(config, asked);
      // The person has decided before the first question, so that there is nothing to wait for.
      const poll = () => openid.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.01 });
      return { device, poll: async () => withClaims(await poll()) };
    },
    logout: (asked) => openid.buildEndSessionUrl(config, asked),
  };
});
