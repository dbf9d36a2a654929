// What every library can do for a person: OpenID Connect Core 1.0 §3.1, RFC 7636, 9126, 9207 and 8628.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterLogout, newApp, newUser } from './issuer.mjs';
import { Person } from './person.mjs';

// Hashing a password takes long, so that all tests have one user in common, each in another browser.
const user = newUser();

const everything = 'openid profile email offline_access read';

/**
 * Registers the tests of one library. `open` makes a client that authenticates by one method. Its `begin` starts an
 * authorization request: a URL for the person, and what makes tokens and claims of what the browser comes back with.
 */
export function testPeople(open) {
  for (const method of ['client_secret_basic', 'client_secret_post', 'none']) {
    const options = method === 'none' ? ['--public'] : [];
    const ways = [
      ['query', false],
      ['query', true],
      ['form_post', false],
      ['form_post', true],
    ];
    for (const [response_mode, isPushed] of ways) {
      const names = `${method}, ${response_mode}${isPushed ? ', RFC 9126: pushed' : ''}`;

      test(`OIDC Core §3.1: a person signs in (${names})`, async () => {
        const app = newApp(...options);
        const library = await open(app, method);
        const asked = { scope: everything, response_mode, max_age: '600' };
        const { url, finish } = await library.begin(asked, isPushed);
        const { tokens, claims } = await finish(await new Person(user).visit(url));
        assert.equal(tokens.token_type, 'bearer');
        assert.deepEqual(new Set(tokens.scope.split(' ')), new Set(everything.split(' ')));
        assert.deepEqual([claims.sub, claims.aud], [user.subject, app.client_id]);
        assert.ok(Math.abs(claims.auth_time - Date.now() / 1000) < 60);
        assert.equal(typeof claims.at_hash, 'string');
        const told = await library.userinfo(tokens.access_token, claims.sub);
        assert.deepEqual(
          [told.sub, told.name, told.email],
          [user.subject, 'Ada Lovelace', 'ada@example.com'],
        );
      });
    }

    test(`RFC 6749 §6: what a person has granted is refreshed and revoked (${method})`, async () => {
      const app = newApp(...options);
      const library = await open(app, method);
      const { url, finish } = await library.begin({ scope: everything });
      const { tokens, claims } = await finish(await new Person(user).visit(url));
      const next = await library.refresh(tokens.refresh_token);
      assert.deepEqual([next.claims.sub, next.claims.auth_time], [claims.sub, claims.auth_time]);
      await library.userinfo(next.tokens.access_token, claims.sub);
      await library.revoke(next.tokens.refresh_token);
      await assert.rejects(library.refresh(next.tokens.refresh_token), { error: 'invalid_grant' });
      await assert.rejects(library.userinfo(next.tokens.access_token, claims.sub));
    });

    test(`RFC 6749 §4.1.2.1: a person refuses (${method})`, async () => {
      const library = await open(newApp(...options), method);
      const { url, finish } = await library.begin({ scope: everything });
      const back = await new Person(user).visit(url, 'deny');
      await assert.rejects(finish(back), { error: 'access_denied' });
    });

    test(`RFC 9700 §4.5: a code that was used is refused, and its tokens end (${method})`, async () => {
      const library = await open(newApp(...options), method);
      const { url, finish } = await library.begin({ scope: everything });
      const back = await new Person(user).visit(url);
      const { tokens, claims } = await finish(back);
      await assert.rejects(finish(back), { status: 400, error: 'invalid_grant' });
      await assert.rejects(library.userinfo(tokens.access_token, claims.sub));
    });

    test(`RFC 7636 §4.6: a code without its verifier is refused (${method})`, async () => {
      const library = await open(newApp(...options), method);
      const mine = await library.begin({ scope: everything });
      const stolen = await new Person(user).visit(mine.url);
      const other = await library.begin({ scope: everything, state: stolen.searchParams.get('state') });
      await assert.rejects(other.finish(stolen), { status: 400, error: 'invalid_grant' });
    });

    test(`RFC 8628 §3: a person approves a device (${method})`, async () => {
      const app = newApp(...options);
      const library = await open(app, method);
      const { device, poll } = await library.device({ scope: 'openid offline_access read' });
      const said = await new Person(user).enter(device);
      const { tokens, claims } = await poll();
      assert.equal(claims.sub, user.subject, said);
      assert.ok(tokens.refresh_token);
    });

    test(`RFC 8628 §3.5: a person refuses a device (${method})`, async () => {
      const library = await open(newApp(...options), method);
      const { device, poll } = await library.device({ scope: 'openid' });
      await new Person(user).enter(device, 'deny');
      await assert.rejects(poll(), { status: 400, error: 'access_denied' });
    });

    test(`OIDC RP-Initiated Logout §2: a person signs out (${method})`, async () => {
      const app = newApp(...options);
      const library = await open(app, method);
      const person = new Person(user);
      const { url, finish } = await library.begin({ scope: 'openid' });
      const { tokens } = await finish(await person.visit(url));
      const silent = await library.begin({ scope: 'openid', prompt: 'none' });
      await silent.finish(await person.visit(silent.url));
      const back = await person.visit(
        library.logout({
          id_token_hint: tokens.id_token,
          post_logout_redirect_uri: afterLogout,
          state: 'kept',
        }),
      );
      assert.equal(back.href, `${afterLogout}?state=kept`);
      const after = await library.begin({ scope: 'openid', prompt: 'none' });
      const refused = after.finish(await person.visit(after.url));
      await assert.rejects(refused, { error: 'login_required' });
    });
  }
}

