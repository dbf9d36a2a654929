// What every library can do with a grant: RFC 6749 §6, 7009, 7662, 8707 and 9700.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantClients, newGrant, newSubject } from './issuer.mjs';

const { confidential, public: publicClient, resource_server: server } = grantClients;

const invalidGrant = { status: 400, error: 'invalid_grant' };
const unauthenticated = {
  status: 401,
  cause: [{ scheme: 'basic', parameters: { realm: 'tokensmith' } }],
};
// RFC 7662 §2.2: all that is said of a token that is dead, or none of the caller's business.
const inactive = { active: false };

/**
 * Registers the tests of one library. `open` makes a client that authenticates by one method and
 * can refresh, revoke and introspect.
 */
export async function testGrants(open) {
  const resourceServer = await open(server, 'client_secret_basic');
  const { introspect } = resourceServer;

  for (const [client, method] of [
    [confidential, 'client_secret_basic'],
    [confidential, 'client_secret_post'],
    [publicClient, 'none'],
  ]) {
    const { refresh, revoke } = await open(client, method);

    /** The answers to a chain of refreshes. */
    async function chain(length, first = newGrant(client).refresh_token) {
      const answers = [];
      for (let token = first; answers.length < length; token = answers.at(-1).refresh_token) {
        answers.push(await refresh(token));
      }
      return answers;
    }

    test(`RFC 6749 §6: every refresh makes a successor (${method})`, async () => {
      const subject = newSubject();
      const grant = newGrant(client, subject);
      const answers = await chain(5, grant.refresh_token);
      for (const answer of answers) {
        assert.equal(answer.token_type, 'bearer');
        assert.equal(answer.scope, 'read write');
        const told = await introspect(answer.access_token);
        assert.equal(told.active, true);
        assert.equal(told.sub, subject);
        assert.equal(told.client_id, client.client_id);
        assert.equal(told.grant_id, grant.grant_id);
        assert.equal(told.aud, client.audience);
      }
      const tokens = [grant, ...answers].map((one) => one.refresh_token);
      assert.equal(new Set(tokens).size, 6);
    });

    test(`RFC 9700 §4.14.2: reuse ends the grant (${method})`, async () => {
      const first = newGrant(client).refresh_token;
      const answers = await chain(3, first);
      await assert.rejects(refresh(first), invalidGrant);
      for (const answer of answers) {
        assert.deepEqual(await introspect(answer.access_token), inactive);
        await assert.rejects(refresh(answer.refresh_token), invalidGrant);
      }
    });

    test(`RFC 6749 §6: narrowing a token does not shrink the grant (${method})`, async () => {
      let [{ refresh_token }] = await chain(1);
      for (const scope of ['read', 'write', 'read write']) {
        const answer = await refresh(refresh_token, { scope });
        assert.equal(answer.scope, scope);
        assert.equal((await introspect(answer.access_token)).scope, scope);
        ({ refresh_token } = answer);
      }
      const more = refresh(refresh_token, { scope: 'read delete' });
      await assert.rejects(more, { status: 400, error: 'invalid_scope' });
      // What was refused has consumed nothing, and leaving the scope out asks for all of it.
      assert.equal((await refresh(refresh_token)).scope, 'read write');
    });

    test(`RFC 8707 §2.2: a refresh names a resource (${method})`, async () => {
      const [{ refresh_token }] = await chain(1);
      const asked = { resource: client.other_audience };
      const elsewhere = await refresh(refresh_token, asked);
      const other = await open(confidential, 'client_secret_post');
      const told = await other.introspect(elsewhere.access_token);
      assert.equal(told.aud, client.other_audience);
      const nobody = refresh(elsewhere.refresh_token, { resource: 'https://nobody.example/' });
      await assert.rejects(nobody, { status: 400, error: 'invalid_target' });
      const answer = await refresh(elsewhere.refresh_token);
      assert.equal((await introspect(answer.access_token)).aud, client.audience);
    });

    test(`RFC 7009 §2: a revoked access token is dead and its grant lives (${method})`, async () => {
      const [first] = await chain(1);
      await revoke(first.access_token);
      assert.deepEqual(await introspect(first.access_token), inactive);
      const second = await refresh(first.refresh_token);
      assert.equal((await introspect(second.access_token)).active, true);
    });

    test(`RFC 7009 §2.1: a revoked refresh token takes its grant along (${method})`, async () => {
      const answers = await chain(2);
      await revoke(answers[1].refresh_token, { token_type_hint: 'refresh_token' });
      for (const { access_token, refresh_token } of answers) {
        assert.deepEqual(await introspect(access_token), inactive);
        await assert.rejects(refresh(refresh_token), invalidGrant);
      }
      await revoke(answers[1].refresh_token);
    });

    test(`RFC 7009 §2.1: a client revokes only its own (${method})`, async () => {
      const [{ access_token, refresh_token }] = await chain(1);
      await resourceServer.revoke(access_token);
      await resourceServer.revoke(refresh_token);
      assert.equal((await introspect(access_token)).active, true);
      await refresh(refresh_token);
    });

    test(`RFC 7662 §4: a resource server is told of access tokens for it only (${method})`, async () => {
      const [{ access_token, refresh_token }] = await chain(1);
      assert.equal((await introspect(access_token)).active, true);
      assert.deepEqual(await introspect(refresh_token), inactive);
      const elsewhere = await refresh(refresh_token, { resource: client.other_audience });
      assert.deepEqual(await introspect(elsewhere.access_token), inactive);
    });
  }

  for (const method of ['client_secret_basic', 'client_secret_post']) {
    const { refresh, revoke, introspect } = await open(confidential, method);

    test(`RFC 9700 §4.14.2: a lost answer is asked for again (${method})`, async () => {
      const { refresh_token } = newGrant(confidential);
      const lost = await refresh(refresh_token);
      const answer = await refresh(refresh_token);
      assert.equal(answer.refresh_token, lost.refresh_token);
      assert.notEqual(answer.access_token, lost.access_token);
      assert.notEqual((await refresh(answer.refresh_token)).refresh_token, lost.refresh_token);
    });

    test(`RFC 7662 §2.2: a client is told of its own tokens (${method})`, async () => {
      const subject = newSubject();
      const grant = newGrant(confidential, subject);
      const answer = await refresh(grant.refresh_token);
      for (const token of [answer.access_token, answer.refresh_token]) {
        const told = await introspect(token);
        assert.equal(told.active, true);
        assert.equal(told.sub, subject);
        assert.equal(told.client_id, confidential.client_id);
        assert.equal(told.grant_id, grant.grant_id);
        assert.equal(told.scope, 'read write');
        assert.ok(told.exp > told.iat);
      }
      await revoke(answer.refresh_token);
      assert.deepEqual(await introspect(answer.access_token), inactive);
      assert.deepEqual(await introspect(answer.refresh_token), inactive);
    });
  }

  for (const [who, client, method] of [
    ['public', publicClient, 'none'],
    ['no secret', confidential, 'none'],
    ['wrong secret', { ...server, client_id: confidential.client_id }, 'client_secret_basic'],
  ]) {
    test(`RFC 7662 §2.1: who does not authenticate is told nothing (${who})`, async () => {
      const owner = await open(confidential, 'client_secret_basic');
      const { refresh_token } = newGrant(confidential);
      const { access_token } = await owner.refresh(refresh_token);
      const stranger = await open(client, method);
      await assert.rejects(stranger.introspect(access_token), unauthenticated);
    });
  }
}
