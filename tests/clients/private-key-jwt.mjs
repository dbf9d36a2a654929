// What every library can do for a client that signs (RFC 7523 §2.2, private_key_jwt).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';
import { newGrant, newKeyClient } from './issuer.mjs';

const algorithms = ['ES256', 'RS256', 'PS256', 'ES384', 'Ed25519'];

/** What a refused assertion is reported as. */
const refused = {
  status: 401,
  cause: [{ scheme: 'basic', parameters: { realm: 'tokensmith' } }],
};

// RFC 7662 §2.2: all that is said of a token that is dead.
const inactive = { active: false };

/** A key pair of the client's own: what it signs with, and what it registers. */
async function newKey(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const kid = `key-of-${alg}`;
  return { signing: { key: privateKey, kid }, jwk: { ...(await exportJWK(publicKey)), kid, alg } };
}

/**
 * Registers the tests of one library. `open` makes a client that signs with a key, and can get tokens,
 * refresh, revoke and introspect; it may be given what changes an assertion before it is signed.
 */
export function testAssertions(open) {
  for (const alg of algorithms) {
    test(`RFC 7523 §2.2: a client gets, refreshes, revokes and introspects (${alg})`, async () => {
      const { signing, jwk } = await newKey(alg);
      const client = newKeyClient(jwk);
      const { credentials, refresh, revoke, introspect } = await open(client, signing);
      const own = await credentials();
      assert.equal(own.scope, 'read');
      assert.equal((await introspect(own.access_token)).sub, client.client_id);
      await revoke(own.access_token);
      assert.deepEqual(await introspect(own.access_token), inactive);

      const answer = await refresh(newGrant(client).refresh_token);
      assert.equal((await introspect(answer.access_token)).client_id, client.client_id);
      const next = await refresh(answer.refresh_token);
      await revoke(next.refresh_token);
      for (const token of [answer.access_token, next.access_token, next.refresh_token]) {
        assert.deepEqual(await introspect(token), inactive);
      }
    });

    test(`RFC 7523 §3: an assertion by another key is refused (${alg})`, async () => {
      const { jwk } = await newKey(alg);
      const { signing } = await newKey(alg);
      const { credentials } = await open(newKeyClient(jwk), signing);
      await assert.rejects(credentials(), refused);
    });
  }

  test('RFC 7523 §3: an assertion that was used is refused', async () => {
    const { signing, jwk } = await newKey('ES256');
    const replayed = (_header, payload) => {
      payload.jti = 'always the same';
    };
    const { credentials, refresh, revoke, introspect } = await open(
      newKeyClient(jwk),
      signing,
      replayed,
    );
    const { access_token } = await credentials();
    await assert.rejects(credentials(), refused);
    await assert.rejects(introspect(access_token), refused);
    await assert.rejects(revoke(access_token), refused);
  });

  test('FAPI 2.0 §5.3.2.1: the audience is the issuer, as the library has it by default', async () => {
    const { signing, jwk } = await newKey('ES256');
    const audiences = [];
    const noted = (_header, payload) => {
      audiences.push(payload.aud);
    };
    const client = newKeyClient(jwk);
    const { credentials, introspect } = await open(client, signing, noted);
    await introspect((await credentials()).access_token);
    const issuer = process.env.ISSUER_URL;
    assert.deepEqual(audiences, [issuer, issuer]);
  });
}
