// The same pages for people who use them in another way: without scripts, without a mouse, in another language.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newApp } from './app.mjs';
import { newPerson } from './browser.mjs';
import { newUser } from './setting.mjs';

const app = await newApp('Photos');
after(() => app.server.close());

const ASKED = 'Allow Photos to use your account?';

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'by a script' : 'by a button, where no scripts run';
  test(`OAuth 2.0 Form Post Response Mode §2: the answer is posted ${how}`, async () => {
    const person = await newPerson([app], { javaScriptEnabled });
    const ada = newUser();
    await person.come(app, { response_mode: 'form_post' });
    await person.signIn(ada);
    await person.see(ASKED, 'consent');
    await person.press('Allow');
    if (!javaScriptEnabled) {
      await person.see('One moment', 'form-post');
      await person.press('Continue');
    }
    const { method } = await person.isBack(app);
    assert.equal(method, 'POST');
    assert.equal((await app.redeem()).sub, ada.sub);
    if (javaScriptEnabled) {
      await person.page.goBack();
      await person.see('Already answered', 'already-answered');
    }
  });
}

test('everything works where no scripts run', async () => {
  const person = await newPerson([app], { javaScriptEnabled: false, size: 'phone' });
  const ada = newUser();
  await person.come(app);
  await person.see('Sign in', 'sign-in-plain');
  await person.signIn({ ...ada, password: 'wrong' });
  await person.see('Sign in', 'sign-in-wrong-plain');
  await person.signIn(ada);
  await person.see(ASKED, 'consent-plain');
  await person.press('Allow');
  await person.isBack(app);
  await app.redeem();
  await person.open('/account');
  await person.see('Your account', 'account-plain');
  await person.press('Remove access Photos');
  await person.page.getByText('The access is removed.').waitFor();
  await person.page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await person.see('You are signed out', 'signed-out-plain');
});

test('WCAG 2.2 §2.1.1: a keyboard is enough to sign in and to allow', async () => {
  const person = await newPerson([app]);
  const ada = newUser();
  const { keyboard } = person.page;
  await person.come(app);
  await person.see('Sign in', 'sign-in');
  await keyboard.type(ada.name);
  await keyboard.press('Tab');
  await keyboard.type(ada.password);
  await keyboard.press('Enter');
  await person.see(ASKED, 'consent');
  const focused = person.page.locator(':focus');
  for (const name of ['Not you? Use another account', 'Allow']) {
    await keyboard.press('Tab');
    assert.equal(await focused.textContent(), name);
    const outline = await focused.evaluate((at) => getComputedStyle(at).outlineStyle);
    assert.equal(outline, 'solid', `WCAG 2.2 §2.4.7: ${name}`);
  }
  await keyboard.press('Enter');
  await person.isBack(app);
  assert.equal((await app.redeem()).sub, ada.sub);
});

test('who reads German gets German', async () => {
  const person = await newPerson([app], { locale: 'de-DE', size: 'phone', colours: 'dark' });
  const ada = newUser();
  await person.come(app);
  await person.see('Anmelden', 'sign-in-german');
  await person.fill({ Benutzername: ada.name, Passwort: 'falsch' });
  await person.press('Anmelden');
  await person.page.getByRole('alert').getByText('ist falsch').waitFor();
  await person.fill({ Passwort: ada.password });
  await person.press('Anmelden');
  await person.see('Darf Photos Ihr Konto verwenden?', 'consent-german');
  await person.press('Erlauben');
  await person.isBack(app);
  await person.open('/account');
  await person.see('Ihr Konto', 'account-german');
  await person.press('Überall abmelden');
  await person.see('Sie sind abgemeldet', 'signed-out-german');
});

test('OpenID Connect Core 1.0 §3.1.2.1: `ui_locales` decides before the browser does', async () => {
  const person = await newPerson([app]);
  const ada = newUser();
  await person.come(app, { ui_locales: 'de' });
  await person.see('Anmelden', 'sign-in-german');
  await person.fill({ Benutzername: ada.name, Passwort: 'falsch' });
  await person.press('Anmelden');
  await person.see('Anmelden', 'sign-in-wrong-german');
  await person.fill({ Passwort: ada.password });
  await person.press('Anmelden');
  await person.see('Darf Photos Ihr Konto verwenden?', 'consent-german');
  await person.press('Nicht Sie? Anderes Konto verwenden');
  await person.see('Anmelden', 'sign-in-german');
});
