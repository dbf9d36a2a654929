// Signing in through another OpenID provider (OpenID Connect Core 1.0 §3.1), which is on another site.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startProvider } from '../clients/provider.mjs';
import { serve } from '../clients/serve.mjs';

const end = await serve();
const { newUpstream } = await import('../clients/issuer.mjs');
const { newApp } = await import('./app.mjs');
const { newPerson } = await import('./browser.mjs');
const { newUser } = await import('./setting.mjs');

const [app, provider] = [await newApp('Photos'), await startProvider()];
after(() => {
  app.server.close();
  provider.close();
  return end();
});

const ASKED = 'Allow Photos to use your account?';
const elsewhere = { origin: provider.url };

before(() => {
  const secret = 'a secret of the tests, which is long enough';
  const options = ['--shown-as', 'Example Corp', '--client-secret-stdin', '--create-users', '--scope', 'profile'];
  const { redirect_uri } = newUpstream('example', provider.url, options, secret);
  provider.register({ client_id: 'tokensmith', client_secret: secret, redirect_uris: [redirect_uri] });
});

/** Signs in at the provider, and agrees there to what it asks, or does not. */
async function signInThere(person, account, decision = 'Allow') {
  await person.page.waitForURL(`${provider.url}/interaction/**`);
  await person.signIn({ name: account, password: 'any' });
  await person.press(decision);
}

test('somebody signs in elsewhere, is asked here, and the app has tokens', async () => {
  const person = await newPerson([app, elsewhere], { size: 'phone' });
  await person.come(app);
  await person.see('Sign in', 'sign-in-or-elsewhere');
  await person.page.getByRole('link', { name: 'Example Corp' }).click();
  await signInThere(person, 'ada');
  await person.see(ASKED, 'consent-of-somebody-from-elsewhere');
  await person.page.getByText('ada elsewhere', { exact: true }).waitFor();
  await person.press('Allow');
  await person.isBack(app);
  const { sub } = await app.redeem();

  // Nobody has to know them there either, in another browser, to know them here.
  const later = await newPerson([app, elsewhere]);
  await later.come(app);
  await later.page.getByRole('link', { name: 'Example Corp' }).click();
  await signInThere(later, 'ada');
  await later.isBack(app);
  assert.equal((await app.redeem()).sub, sub, 'and what they have agreed to is known as well');
});

test('somebody goes back from there, and signs in here instead', async () => {
  const person = await newPerson([app, elsewhere], { colours: 'dark' });
  const ada = newUser();
  await person.come(app);
  await person.page.getByRole('link', { name: 'Example Corp' }).click();
  await person.page.waitForURL(`${provider.url}/interaction/**`);
  await person.page.goBack();
  await person.see('Sign in', 'sign-in-or-elsewhere');
  await person.signIn(ada);
  await person.see(ASKED, 'consent');
  await person.press('Allow');
  await person.isBack(app);
  assert.equal((await app.redeem()).sub, ada.sub);
});

test('who has come back from there and goes back once more is not signed in twice', async () => {
  const person = await newPerson([app, elsewhere]);
  await person.come(app);
  await person.page.getByRole('link', { name: 'Example Corp' }).click();
  await signInThere(person, 'eve');
  await person.see(ASKED, 'consent-of-somebody-from-elsewhere');
  await person.page.reload();
  await person.see(ASKED, 'consent-of-somebody-from-elsewhere');
  await person.press('Deny');
  assert.equal((await person.isBack(app)).error, 'access_denied');
});

test('somebody links an account elsewhere, signs in with it, and unlinks it', async () => {
  const person = await newPerson([elsewhere], { colours: 'dark' });
  const ada = newUser();
  await person.open('/account');
  await person.signIn(ada);
  await person.see('Your account', 'account-without-link');
  await person.page.getByRole('link', { name: /Example Corp/ }).click();
  await signInThere(person, ada.name);
  await person.page.getByRole('status').waitFor();
  await person.see('Your account', 'account-linked');

  const other = await newPerson([elsewhere], { size: 'phone' });
  await other.open('/account');
  await other.page.getByRole('link', { name: 'Example Corp' }).click();
  await signInThere(other, ada.name);
  await other.see('Your account', 'account-from-elsewhere');
  await other.page.getByText(ada.name).first().waitFor();

  await person.page.getByRole('button', { name: /Example Corp/ }).click();
  await person.page.getByRole('status').waitFor();
  await person.see('Your account', 'account-unlinked');
  const stranger = await newPerson([elsewhere]);
  await stranger.open('/account');
  await stranger.page.getByRole('link', { name: 'Example Corp' }).click();
  await signInThere(stranger, ada.name);
  // They become somebody new.
  await stranger.see('Your account', 'account-of-somebody-new');
  assert.equal(await stranger.page.getByText(ada.name, { exact: true }).count(), 0);
});

test('RFC 6749 §4.1.2.1: who refuses there is told so here, and can begin again', async () => {
  const person = await newPerson([app, elsewhere], { size: 'phone', colours: 'dark' });
  await person.come(app);
  await person.page.getByRole('link', { name: 'Example Corp' }).click();
  await signInThere(person, 'mallory', 'Deny');
  await person.see('That sign-in failed', 'sign-in-elsewhere-failed');
  await person.page.getByRole('link', { name: 'Start again' }).click();
  await person.see('Sign in', 'sign-in-or-elsewhere');
});
