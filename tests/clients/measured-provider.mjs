// node-oidc-provider as `tests/bench people` measures it: state in memory, pages as plain as pages can be, no password is hashed.
// Prints its URL; ends when its standard input does.

import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { answerWithPages, interactions } from './plain-pages.mjs';

/** Keeps everything, in maps: the one that comes along forgets all but a thousand records. */
class InMemory {
  static records = new Map();
  static keysOfGrant = new Map();

  constructor(model) {
    this.model = model;
  }

  #key = (id) => `${this.model}:${id}`;

  async upsert(id, payload) {
    InMemory.records.set(this.#key(id), payload);
    const { grantId, uid } = payload;
    if (uid) InMemory.records.set(this.#key(`uid:${uid}`), payload);
    if (grantId) InMemory.keysOfGrant.set(grantId, [...(InMemory.keysOfGrant.get(grantId) ?? []), this.#key(id)]);
  }

  find = async (id) => InMemory.records.get(this.#key(id));
  findByUid = async (uid) => InMemory.records.get(this.#key(`uid:${uid}`));
  findByUserCode = async () => undefined;

  async consume(id) {
    InMemory.records.get(this.#key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    InMemory.records.delete(this.#key(id));
  }

  async revokeByGrantId(grantId) {
    for (const key of InMemory.keysOfGrant.get(grantId) ?? []) InMemory.records.delete(key);
    InMemory.keysOfGrant.delete(grantId);
  }
}

const resource = 'https://api.example/';
const [id, secret, callback] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

let provider;
const server = createServer((request, response) => {
  answerWithPages(provider, request, response).catch((error) => response.writeHead(500).end(`${error.stack}`));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;
provider = new Provider(url, {
  adapter: InMemory,
  clients: [{
    client_id: id,
    client_secret: secret,
    redirect_uris: [callback],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
  }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] },
  cookies: { keys: ['a key of the benchmark'] },
  routes: { authorization: '/oauth2/authorize', token: '/oauth2/token' },
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  scopes: ['openid', 'email'],
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'read', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
    },
  },
  interactions,
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, email: 'ada@example.com' }) }),
});
const uncaught = (_, error) => process.stderr.write(`${error.stack}\n`);
provider.on('server_error', uncaught);
console.log(url);
process.stdin.on('end', () => process.exit()).resume();
