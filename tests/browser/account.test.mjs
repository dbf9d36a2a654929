// What a person sees and ends on the account page, and signing out (OpenID Connect RP-Initiated Logout 1.0).

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newApp } from './app.mjs';
import { newPerson } from './browser.mjs';
import { assertDead, newUser, refresh } from './setting.mjs';

const app = await newApp('Photos');
after(() => app.server.close());

/** Signs in at the app, and allows it what it asks for. */
async function allow(person, user, parameters) {
  await person.come(app, parameters);
  await person.signIn(user);
  await person.press('Allow');
  await person.isBack(app);
  return app.redeem();
}

/** Is signed in on the account page. */
async function account(person, user) {
  await person.open('/account');
  await person.signIn(user);
  await person.see('Your account', 'account');
}

test('access that is removed on the account page ends with its refresh token', async () => {
  const person = await newPerson([app], { size: 'phone' });
  const { refresh_token } = await allow(person, newUser(), { scope: 'openid email offline_access' });
  await person.open('/account');
  await person.see('Your account', 'account-with-access');
  await person.press('Remove access Photos');
  await person.page.getByRole('status').getByText('The access is removed.').waitFor();
  await person.see('Your account', 'account-removed');
  await person.page.getByText('Nothing has access to your account.').waitFor();
  await assertDead(app.client, refresh_token);
});

test('who wants to be asked again is asked again, and the access ends', async () => {
  const person = await newPerson([app], { colours: 'dark' });
  const { refresh_token } = await allow(person, newUser());
  await person.open('/account');
  await person.press('Ask me again Photos');
  await person.page.getByRole('status').getByText('You will be asked again.').waitFor();
  await assertDead(app.client, refresh_token);
  await person.come(app);
  await person.see('Allow Photos to use your account?', 'consent');
});

test('another browser is signed out from the account page', async () => {
  const ada = newUser();
  const [person, other] = [await newPerson([]), await newPerson([], { size: 'phone' })];
  await account(other, ada);
  await account(person, ada);
  await person.see('Your account', 'account-two-browsers');
  const end = person.page.getByRole('button', { name: /^Sign out .+/ }).and(
    person.page.locator('[value=end-session]'),
  );
  await end.click();
  await person.page.getByRole('status').getByText('That browser is signed out.').waitFor();
  await other.page.reload();
  await other.see('Sign in', 'sign-in-account');
  await person.page.reload();
  await person.see('Your account', 'account');
});

test('a changed password signs the other browser out, and only the new one signs in', async () => {
  const ada = newUser();
  const [person, other] = [await newPerson([], { colours: 'dark' }), await newPerson([])];
  await account(other, ada);
  await account(person, ada);
  const change = async (current, chosen) => {
    await person.fill({ 'Current password': current, 'New password': chosen });
    await person.press('Change password');
  };
  await change('wrong', 'correct horse battery');
  await person.page.getByRole('alert').getByText('The current password is wrong.').waitFor();
  await person.see('Your account', 'account-wrong-password');
  await change(ada.password, 'password1');
  await person.page.getByRole('alert').getByText('guessed first').waitFor();
  await change(ada.password, 'correct horse battery');
  await person.page.getByRole('status').getByText('Your password is changed').waitFor();
  await person.see('Your account', 'account-password-changed');

  await other.page.reload();
  await other.see('Sign in', 'sign-in-account');
  await other.signIn(ada);
  await other.page.getByRole('alert').getByText('is wrong').waitFor();
  await other.signIn({ ...ada, password: 'correct horse battery' });
  await other.see('Your account', 'account');
});

test('going back after signing out shows nothing of the account', async () => {
  const person = await newPerson([], { size: 'phone', colours: 'dark' });
  await account(person, newUser());
  await person.press('Sign out');
  await person.see('You are signed out', 'signed-out');
  await person.page.goBack();
  await person.see('Sign in', 'sign-in-account');
});

test('RP-Initiated Logout §2, §3: an app signs its person out, who comes back', async () => {
  const person = await newPerson([app], { size: 'phone' });
  const tokens = await allow(person, newUser());
  await person.page.goto(app.signOut(tokens));
  await person.page.getByText('Goodbye: bye').waitFor();
  await assertDead(app.client, tokens.refresh_token);
  await person.open('/account');
  await person.see('Sign in', 'sign-in-account');
});

test('RP-Initiated Logout §2: without a hint a person is asked, and may stay', async () => {
  const person = await newPerson([app]);
  const tokens = await allow(person, newUser(), { scope: 'openid offline_access' });
  const asked = `/oauth2/logout?client_id=${app.client.client_id}`;
  await person.open(asked);
  await person.see('Sign out?', 'sign-out');
  await person.press('Stay signed in');
  await person.see('Your account', 'account');
  await person.open(asked);
  await person.press('Sign out');
  await person.see('You are signed out', 'signed-out');
  // OpenID Connect Core 1.0 §11
  assert.equal((await refresh(app.client, tokens.refresh_token)).status, 200);
});
