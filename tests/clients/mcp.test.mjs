// Agents with the TypeScript SDK of the Model Context Protocol use an MCP server for a person, and for themselves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import {
  ClientCredentialsProvider,
  PrivateKeyJwtProvider,
} from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import {
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthMetadataRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { issuer, loopbackUri, newApp, newKeyClient, newResource, newUser } from './issuer.mjs';
import { Person } from './person.mjs';
import { serve } from './server.mjs';

const found = await fetch(new URL('/.well-known/oauth-authorization-server', issuer));
const metadata = await found.json();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const user = newUser();
const about = { name: 'a test', version: '1.0.0' };

/** The URL of an MCP server, which is a resource of the issuer. Its tool says who calls. */
async function startServer(t) {
  const app = express();
  const url = new URL('/mcp', await serve(t, app));
  newResource(url.href, 'tools');
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(url);
  app.use(
    mcpAuthMetadataRouter({
      oauthMetadata: metadata,
      resourceServerUrl: url,
      scopesSupported: ['tools'],
    }),
  );
  const isAllowed = requireBearerAuth({
    verifier: { verifyAccessToken: (token) => verified(token, url.href) },
    requiredScopes: ['tools'],
    resourceMetadataUrl,
  });
  app.post('/mcp', express.json(), isAllowed, async (request, response) => {
    const server = new McpServer(about);
    server.registerTool('whoami', {}, ({ authInfo }) => ({
      content: [{ type: 'text', text: authInfo.extra.subject }],
    }));
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  return url;
}

async function verified(token, audience) {
  const checks = { issuer: metadata.issuer, audience, typ: 'at+jwt' };
  const { payload } = await jwtVerify(token, keys, checks).catch((err) => {
    throw new InvalidTokenError(err.message);
  });
  return {
    token,
    clientId: payload.client_id,
    scopes: payload.scope.split(' '),
    expiresAt: payload.exp,
    extra: { subject: payload.sub },
  };
}

/** An agent that people have to sign in with: what it keeps, and where it sends them. */
function agentOf({ client_id, client_secret }) {
  const kept = {};
  return {
    kept,
    redirectUrl: loopbackUri,
    clientMetadata: { redirect_uris: [loopbackUri] },
    clientInformation: () => ({ client_id, client_secret }),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => (kept.tokens = tokens),
    codeVerifier: () => kept.verifier,
    saveCodeVerifier: (verifier) => (kept.verifier = verifier),
    redirectToAuthorization: (url) => (kept.url = url),
  };
}

/** Whom the server takes the agent for. */
async function whoAmI(url, authProvider) {
  const client = new Client(about);
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider }));
  const { content } = await client.callTool({ name: 'whoami' });
  await client.close();
  return content[0].text;
}

for (const [kind, options] of [
  ['public', ['--public']],
  ['confidential', []],
]) {
  test(`MCP authorization: an agent acts for a person (${kind})`, async (t) => {
    const url = await startServer(t);
    const app = newApp('--redirect-uri', loopbackUri, `--allow=${url}=tools`, ...options);
    const agent = agentOf(app);
    await assert.rejects(whoAmI(url, agent), UnauthorizedError);
    assert.equal(agent.kept.url.searchParams.get('resource'), url.href, 'RFC 8707 §2.1');
    const back = await new Person(user).visit(agent.kept.url);
    const transport = new StreamableHTTPClientTransport(url, { authProvider: agent });
    await transport.finishAuth(back.searchParams.get('code'));
    assert.equal(await whoAmI(url, agent), user.subject);

    const { refresh_token } = agent.kept.tokens;
    agent.kept.tokens.access_token = 'one that has expired';
    assert.equal(await whoAmI(url, agent), user.subject);
    assert.notEqual(agent.kept.tokens.refresh_token, refresh_token, 'OAuth 2.1 §4.3.1');
  });
}

test('MCP oauth-client-credentials: an agent with a secret acts for itself', async (t) => {
  const url = await startServer(t);
  const { client_id, client_secret } = newApp(
    '--grant=client_credentials',
    `--allow=${url}=tools`,
  );
  const agent = new ClientCredentialsProvider({
    clientId: client_id,
    clientSecret: client_secret,
    expectedIssuer: metadata.issuer,
  });
  assert.equal(await whoAmI(url, agent), client_id);
});

test('MCP oauth-client-credentials: an agent with a key acts for itself', async (t) => {
  const url = await startServer(t);
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256' };
  const { client_id } = newKeyClient(jwk, `--allow=${url}=tools`);
  const agent = new PrivateKeyJwtProvider({
    clientId: client_id,
    privateKey: await exportJWK(privateKey),
    algorithm: 'ES256',
    expectedIssuer: metadata.issuer,
  });
  assert.equal(await whoAmI(url, agent), client_id);
});
