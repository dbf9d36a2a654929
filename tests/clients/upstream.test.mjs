// People sign in through another OpenID provider, which is not ours: OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9207, and RFC 9700
// §4.4 and §4.7 of the client that the issuer is there.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, beforeEach, test } from 'node:test';
import { startForger, startProvider } from './provider.mjs';
import { serve } from './serve.mjs';

const end = await serve();
const { deleteUpstream, issuer, newUpstream, newUser } = await import('./issuer.mjs');
const { Browser } = await import('./person.mjs');

const secret = 'a secret of the tests, which is long enough';

const providers = [];
after(() => {
  providers.forEach((one) => one.close());
  return end();
});

/** What one provider publishes is kept for a while: each test has its own. */
let provider;
beforeEach(async () => {
  provider = await startProvider();
  providers.push(provider);
});

/** There may be only so many at once. */
const names = [];
afterEach(() => names.splice(0).forEach(deleteUpstream));

/** An upstream at the provider; its name. */
function upstream(options = [], client = {}, changes = {}) {
  const name = `op-${randomUUID()}`;
  names.push(name);
  const input = client.token_endpoint_auth_method === 'none' ? undefined : secret;
  const made = newUpstream(name, provider.url, [...(input ? ['--client-secret-stdin'] : []), ...options], input);
  const registered = input ? { client_secret: secret } : {};
  provider.register({ client_id: 'tokensmith', redirect_uris: [made.redirect_uri], ...registered, ...client }, changes);
  return name;
}

/** Goes from a page of the issuer to the provider, signs in there as `account`, and stops before coming back. */
async function goThrough(browser, page, name, account) {
  const link = page.links.find(({ pathname, searchParams }) => pathname === '/login/upstream' && searchParams.get('name') === name);
  assert.ok(link, page.text);
  let place = await browser.open(link, {}, (url) => url.pathname === '/login/upstream' && url.searchParams.has('state'));
  for (const fields of [{ user_name: account, password: 'any' }, {}]) {
    if (!place.forms) {
      break;
    }
    const [form] = place.forms;
    Object.entries(fields).forEach(([field, value]) => form.fields.set(field, value));
    place = await browser.open(form.action, { method: 'POST', body: form.fields }, (url) => url.pathname === '/login/upstream' && url.searchParams.has('state'));
  }
  assert.ok(place instanceof URL, place.text);
  return place;
}

const account = new URL('/account', issuer);

for (const method of ['client_secret_basic', 'client_secret_post', 'none']) {
  test(`OIDC Core §3.1: somebody unknown becomes a user (${method})`, async () => {
    const changes = { clientAuthMethods: [method] };
    const name = upstream(['--create-users', '--scope', 'profile', '--scope', 'email'], { token_endpoint_auth_method: method }, changes);
    const who = `ada-${randomUUID()}`;
    const browser = new Browser();
    const back = await goThrough(browser, await browser.open(account), name, who);
    const page = await browser.open(back);
    assert.match(page.text, new RegExp(`${who} elsewhere`));
    // The same account is the same user, in another browser.
    const other = new Browser();
    const again = await other.open(await goThrough(other, await other.open(account), name, who));
    assert.equal(/op-[0-9a-f-]+-\S+/.exec(again.text)[0], /op-[0-9a-f-]+-\S+/.exec(page.text)[0]);
  });
}

test('an account is linked from the account page, and by nothing else', async () => {
  const name = upstream(['--scope', 'email']);
  const who = `ada-${randomUUID()}`;
  // The e-mail address is that of a user here, and says nothing.
  const user = newUser();
  const stranger = new Browser();
  const refused = await stranger.open(await goThrough(stranger, await stranger.open(account), name, who));
  assert.match(refused.text, /linked to no user/);
  const browser = new Browser();
  const signIn = await browser.open(account);
  const mine = await browser.signIn(signIn, user);
  const linked = await browser.open(await goThrough(browser, mine, name, who));
  assert.equal(linked.url.searchParams.get('notice'), 'linked');
  const later = await stranger.open(await goThrough(stranger, await stranger.open(account), name, who));
  assert.match(later.text, new RegExp(user.user_name));
  // Another user cannot have it.
  const other = newUser();
  const thief = new Browser();
  const theirs = await thief.signIn(await thief.open(account), other);
  const taken = await thief.open(await goThrough(thief, theirs, name, who));
  assert.equal(taken.url.searchParams.get('notice'), 'linked-elsewhere');
  const unlink = linked.forms.find(({ buttons }) => buttons.some(([, value]) => value === 'unlink'));
  unlink.fields.set('action', 'unlink');
  const unlinked = await browser.open(unlink.action, { method: 'POST', body: unlink.fields });
  assert.equal(unlinked.url.searchParams.get('notice'), 'unlinked');
  const gone = new Browser();
  const back = await gone.open(await goThrough(gone, await gone.open(account), name, who));
  assert.match(back.text, /linked to no user/);
});

test('RFC 9700 §4.7: an answer is taken in the browser alone that has asked, and once', async () => {
  const name = upstream(['--create-users']);
  const browser = new Browser();
  const back = await goThrough(browser, await browser.open(account), name, `ada-${randomUUID()}`);
  const victim = new Browser();
  await victim.open(account);
  assert.equal((await victim.open(back)).status, 400);
  assert.equal((await new Browser().open(back)).status, 400);
  const forged = new URL(back);
  forged.searchParams.set('state', `${back.searchParams.get('state').slice(0, -4)}AAAA`);
  assert.equal((await browser.open(forged)).status, 400);
  assert.equal((await browser.open(back)).status, 200);
  // OAuth 2.1 §4.1.3: the provider takes its code once.
  assert.equal((await browser.open(back)).status, 403);
});

test('RFC 9700 §4.4, RFC 9207 §2.4: an answer is taken for the provider alone that was asked', async () => {
  const name = upstream(['--create-users']);
  const other = `op-${randomUUID()}`;
  names.push(other);
  newUpstream(other, provider.url, ['--create-users']);
  const browser = new Browser();
  const back = await goThrough(browser, await browser.open(account), name, `ada-${randomUUID()}`);
  for (const change of [
    (url) => url.searchParams.set('name', other),
    (url) => url.searchParams.set('iss', 'https://another.example'),
    (url) => url.searchParams.delete('iss'),
    (url) => url.searchParams.delete('code'),
  ]) {
    const changed = new URL(back);
    change(changed);
    assert.equal((await browser.open(changed)).status, 403);
  }
  assert.equal((await browser.open(back)).status, 200);
});

test('RFC 7636 §4.6: a code that was asked for by another browser is not redeemed', async () => {
  const name = upstream(['--create-users']);
  const [mine, theirs] = [new Browser(), new Browser()];
  const stolen = await goThrough(mine, await mine.open(account), name, `ada-${randomUUID()}`);
  const own = await goThrough(theirs, await theirs.open(account), name, `eve-${randomUUID()}`);
  own.searchParams.set('code', stolen.searchParams.get('code'));
  assert.equal((await theirs.open(own)).status, 403);
});

test('RFC 6749 §4.1.2.1: the provider refuses', async () => {
  const name = upstream(['--create-users']);
  const browser = new Browser();
  const back = await goThrough(browser, await browser.open(account), name, `ada-${randomUUID()}`);
  back.searchParams.delete('code');
  back.searchParams.set('error', 'access_denied');
  const page = await browser.open(back);
  assert.equal(page.status, 403);
});

test('OIDC Core §3.1.3.7: an ID token that is not for this attempt lets nobody in', async () => {
  const forger = await startForger();
  providers.push(forger);
  const name = `op-${randomUUID()}`;
  names.push(name);
  newUpstream(name, forger.url, ['--create-users']);
  const now = Math.floor(Date.now() / 1000);
  for (const [what, status, change] of [
    ['nothing', 200, {}],
    ['another nonce', 403, { claims: { nonce: 'another' } }],
    ['no nonce', 403, { claims: { nonce: undefined } }],
    ['another issuer', 403, { claims: { iss: 'https://another.example' } }],
    ['another audience', 403, { claims: { aud: 'another' } }],
    ['an audience besides, without azp', 403, { claims: { aud: ['tokensmith', 'another'] } }],
    ['an audience besides, with azp', 200, { claims: { aud: ['tokensmith', 'another'], azp: 'tokensmith' } }],
    ['another azp', 403, { claims: { azp: 'another' } }],
    ['an expiry long ago', 403, { claims: { exp: now - 120 } }],
    ['a time ahead', 403, { claims: { iat: now + 120 } }],
    ['no time', 403, { claims: { iat: undefined } }],
    ['no subject', 403, { claims: { sub: '' } }],
    ['alg none', 403, { alg: 'none' }],
    ['an HMAC by the public key', 403, { alg: 'HS256' }],
    ['a key that is not published', 403, { key: 'another' }],
    ['no ID token', 403, { absent: true }],
  ]) {
    const browser = new Browser();
    const page = await browser.open(account);
    const link = page.links.find(({ searchParams }) => searchParams.get('name') === name);
    forger.change(change);
    assert.equal((await browser.open(link)).status, status, what);
  }
});
