// Signing in and being asked, on the way from an app and back (RFC 6749 §4.1, OpenID Connect Core 1.0 §3.1).

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newApp } from './app.mjs';
import { newPerson } from './browser.mjs';
import { issuer, newUser, refresh } from './setting.mjs';

const app = await newApp('Photos');
after(() => app.server.close());

const ASKED = 'Allow Photos to use your account?';

test('RFC 6749 §4.1: a person signs in, allows, and the app has tokens', async () => {
  const person = await newPerson([app], { size: 'phone' });
  const ada = newUser();
  await person.come(app);
  await person.see('Sign in', 'sign-in');
  await person.signIn(ada);
  await person.see(ASKED, 'consent');
  await person.press('Allow');
  await person.isBack(app);
  const tokens = await app.redeem();
  assert.equal(tokens.sub, ada.sub);
  assert.equal((await refresh(app.client, tokens.refresh_token)).status, 200);

  await person.come(app);
  await person.isBack(app);
  assert.equal((await app.redeem()).sub, ada.sub, 'neither is asked again');
});

test('a wrong password is said so, and then the right one signs in', async () => {
  const person = await newPerson([app], { colours: 'dark' });
  const ada = newUser();
  await person.come(app);
  await person.signIn({ ...ada, password: 'wrong' });
  await person.page.getByRole('alert').getByText('is wrong').waitFor();
  await person.see('Sign in', 'sign-in-wrong');
  const name = person.page.getByLabel('User name');
  assert.equal(await name.inputValue(), ada.name);
  await person.fill({ Password: ada.password });
  await person.press('Sign in');
  await person.see(ASKED, 'consent');
});

test('RFC 6749 §4.1.2.1: who denies is sent back, and the app is told', async () => {
  const person = await newPerson([app], { size: 'phone', colours: 'dark' });
  await person.come(app);
  await person.signIn(newUser());
  await person.see(ASKED, 'consent');
  await person.press('Deny');
  const { error, code } = await person.isBack(app);
  assert.deepEqual({ error, code }, { error: 'access_denied', code: undefined });
});

test('going back after signing in leads to the question, not to a second sign-in', async () => {
  const person = await newPerson([app], { size: 'phone' });
  await person.come(app);
  await person.signIn(newUser());
  await person.see(ASKED, 'consent');
  await person.page.goBack();
  await person.see(ASKED, 'consent');
  await person.press('Allow');
  await person.isBack(app);
  await app.redeem();
});

test('invariant: going back after allowing makes no second grant', async () => {
  // Nothing is remembered of an app that cannot prove who it is, so that it asks each time.
  const native = await newApp('Editor', '--public');
  try {
    const person = await newPerson([native]);
    const ada = newUser();
    await person.come(native);
    await person.signIn(ada);
    await person.see('Allow Editor to use your account?', 'consent');
    await person.press('Allow');
    await person.isBack(native);
    const tokens = await native.redeem();

    await person.page.goBack();
    await person.see('Allow Editor to use your account?', 'consent');
    await person.press('Allow');
    await person.see('Already answered', 'already-answered');
    assert.equal(native.answers.length, 1, 'the app gets one code');
    assert.equal((await refresh(native.client, tokens.refresh_token)).status, 200);
    await person.open('/account');
    await person.see('Your account', 'account-one-grant');
    assert.equal(await person.page.getByRole('button', { name: 'Remove access' }).count(), 1);
  } finally {
    native.server.close();
  }
});

test('two tabs sign in and allow one after the other', async () => {
  const person = await newPerson([app], { colours: 'dark' });
  const ada = newUser();
  const first = person.page;
  await person.come(app);
  const second = await person.newTab();
  await person.come(app);
  for (const tab of [first, second]) {
    person.page = tab;
    await person.see('Sign in', 'sign-in');
    await person.signIn(ada);
    if (tab === first) {
      await person.see(ASKED, 'consent');
      await person.press('Allow');
    }
    await person.isBack(app);
    assert.equal((await app.redeem()).sub, ada.sub);
  }
});

test('a tab that was left behind by another sign-in asks whoever is there now', async () => {
  const person = await newPerson([app], { size: 'phone' });
  const first = person.page;
  await person.come(app);
  const second = await person.newTab();
  await person.come(app);
  const [ada, bob] = [newUser(), newUser()];
  for (const [tab, user] of [[first, ada], [second, bob]]) {
    person.page = tab;
    await person.signIn(user);
    await person.see(ASKED, 'consent');
  }
  person.page = first;
  await person.page.getByText(ada.name).waitFor();
  await person.press('Allow');
  await person.page.getByText(bob.name).waitFor();
  await person.see(ASKED, 'consent');
  await person.press('Allow');
  await person.isBack(app);
  assert.equal((await app.redeem()).sub, bob.sub);
});

test('who has signed out in another tab signs in again, and is asked again', async () => {
  const person = await newPerson([app], { colours: 'dark' });
  const [first, ada] = [person.page, newUser()];
  await person.come(app);
  await person.signIn(ada);
  await person.see(ASKED, 'consent');
  await person.newTab();
  await person.open('/account');
  await person.press('Sign out everywhere');
  await person.see('You are signed out', 'signed-out');
  person.page = first;
  await person.press('Allow');
  await person.see('Sign in', 'sign-in');
  await person.signIn(ada);
  await person.see(ASKED, 'consent');
  await person.press('Deny');
  assert.equal((await person.isBack(app)).error, 'access_denied');
});

test('RFC 9700 §4.7.1: the form of another browser signs nobody in', async () => {
  const [attacker, person] = [await newPerson([app]), await newPerson([app])];
  await attacker.come(app);
  await attacker.see('Sign in', 'sign-in');
  const stolen = await attacker.page.locator('input[name=form]').inputValue();
  await person.come(app);
  await person.see('Sign in', 'sign-in');
  await person.page.locator('input[name=form]').evaluate((field, value) => {
    field.value = value;
  }, stolen);
  await person.signIn(newUser());
  await person.see('This page has expired', 'expired');
  const cookies = await person.context.cookies(issuer.href);
  assert.ok(!cookies.some(({ name }) => name.endsWith('session')));
});

test('a browser that keeps no cookies, and another one that was sent the link, are told what is needed', async () => {
  const [person, other] = [await newPerson([app]), await newPerson([app], { size: 'phone' })];
  await person.open('/account');
  await person.see('Sign in', 'sign-in-account');
  await other.page.goto(person.page.url());
  await other.see('Your browser keeps no cookies', 'no-cookies');

  await person.context.clearCookies();
  await person.signIn(newUser());
  await person.see('Your browser keeps no cookies', 'no-cookies');
});

test('buttons that are pressed twice do the same as once', async () => {
  const person = await newPerson([app], { size: 'phone', colours: 'dark' });
  const ada = newUser();
  await person.come(app);
  await person.fill({ 'User name': ada.name, Password: ada.password });
  await person.page.getByRole('button', { name: 'Sign in' }).dblclick();
  await person.see(ASKED, 'consent');
  await person.page.getByRole('button', { name: 'Allow' }).dblclick();
  await person.isBack(app);
  assert.equal((await app.redeem()).sub, ada.sub);
});

test('OpenID Connect Core 1.0 §3.1.2.1: `prompt=login` asks who has signed in, for whom `login_hint` names', async () => {
  const person = await newPerson([app]);
  const ada = newUser();
  const parameters = { prompt: 'login', login_hint: ada.name };
  for (const remembered of [false, true]) {
    await person.come(app, parameters);
    await person.see('Sign in', 'sign-in-hinted');
    assert.equal(await person.page.getByLabel('User name').inputValue(), ada.name);
    await person.page.keyboard.type(ada.password);
    await person.page.keyboard.press('Enter');
    if (!remembered) {
      await person.see(ASKED, 'consent');
      await person.press('Allow');
    }
    await person.isBack(app);
    await app.redeem();
  }
});

test('RFC 9700 §4.7.1: a form on another site neither allows anything nor signs anybody in', async () => {
  const person = await newPerson([app]);
  await person.come(app);
  await person.signIn(newUser());
  await person.see(ASKED, 'consent');
  const form = await person.page.locator('input[name=form]').inputValue();
  const answers = app.answers.length;
  const { name, password } = newUser();
  for (const [path, fields] of [
    ['/consent', { form, decision: 'allow' }],
    ['/login', { form, user_name: name, password }],
  ]) {
    await sendFromElsewhere(person, path, fields);
    await person.see('This does not work', 'cross-site');
    assert.equal(app.answers.length, answers);
  }
});

/** Sends a form to the issuer from a page of the app. */
async function sendFromElsewhere(person, path, fields) {
  const action = new URL(path, issuer).href;
  await person.page.goto(app.start());
  await person.page.evaluate(
    ([to, entries]) => {
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', action: to });
      for (const [name, value] of entries) {
        form.append(Object.assign(document.createElement('input'), { name, value }));
      }
      document.body.append(form);
      form.submit();
    },
    [action, Object.entries(fields)],
  );
  await person.page.waitForURL(action);
}

test('another account can be used instead, and is the one that is granted', async () => {
  const person = await newPerson([app], { size: 'phone', colours: 'dark' });
  const grace = newUser();
  await person.come(app);
  await person.signIn(newUser());
  await person.see(ASKED, 'consent');
  await person.press('Not you? Use another account');
  await person.see('Sign in', 'sign-in');
  await person.signIn(grace);
  await person.see(ASKED, 'consent');
  await person.page.getByText(grace.name).waitFor();
  await person.press('Allow');
  await person.isBack(app);
  assert.equal((await app.redeem()).sub, grace.sub);
});

test('RFC 6749 §4.1.2.1: nobody is sent to an address that is not registered', async () => {
  const person = await newPerson([app]);
  await person.come(app, { redirect_uri: `${app.origin}/elsewhere` });
  await person.see('Unsafe way back', 'unsafe-way-back');
});
