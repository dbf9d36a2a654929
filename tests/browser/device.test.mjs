// Letting a device in (RFC 8628 §3.3).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newPerson } from './browser.mjs';
import { ask, newDeviceClient, newUser } from './setting.mjs';

const client = newDeviceClient();
const ASKED = 'Allow Television on a device?';

function newDevice() {
  return ask('device_authorization_endpoint', client, { scope: 'openid profile' });
}

/** What a device is told when it asks whether it was let in. */
function poll({ device_code }) {
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
  return ask('token_endpoint', client, { grant_type, device_code });
}

test('RFC 8628 §3.3.1: a person opens the link, compares, and the device has tokens', async () => {
  const person = await newPerson([], { size: 'phone', colours: 'dark' });
  const ada = newUser();
  const device = await newDevice();
  await person.page.goto(device.verification_uri_complete);
  await person.see('Sign in', 'sign-in-device');
  await person.signIn(ada);
  await person.see('Connect a device', 'device-compare');
  const code = await person.page.getByLabel('Code').inputValue();
  assert.equal(code, device.user_code);
  assert.equal((await poll(device)).error, 'authorization_pending', 'RFC 8628 §5.4');
  await person.press('Continue');
  await person.see(ASKED, 'device-confirm');
  await person.page.getByText(device.user_code).waitFor();
  await person.press('Allow');
  await person.see('Your device is connected', 'device-done');
  const tokens = await poll(device);
  assert.equal(tokens.status, 200, JSON.stringify(tokens));
  const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'));
  assert.equal(claims.sub, ada.sub);
});

test('RFC 8628 §6.1: a code that is entered by hand is found however it is written', async () => {
  const person = await newPerson([], { size: 'desktop' });
  const device = await newDevice();
  await person.page.goto(device.verification_uri);
  await person.signIn(newUser());
  await person.see('Connect a device', 'device-enter');
  await person.fill({ Code: 'BBBB-BBBB' });
  await person.press('Continue');
  await person.page.getByRole('alert').getByText('no device with this code').waitFor();
  await person.see('Connect a device', 'device-unknown');
  await person.fill({ Code: device.user_code.toLowerCase().replace('-', ' ') });
  await person.press('Continue');
  await person.see(ASKED, 'device-confirm');
  await person.press('Allow');
  await person.see('Your device is connected', 'device-done');
  assert.equal((await poll(device)).status, 200);
});

test('RFC 8628 §3.5: a device that is denied is told so, and cannot be let in afterwards', async () => {
  const person = await newPerson([], { size: 'phone' });
  const device = await newDevice();
  await person.page.goto(device.verification_uri_complete);
  await person.signIn(newUser());
  await person.press('Continue');
  await person.see(ASKED, 'device-confirm');
  await person.press('Deny');
  await person.see('Access denied', 'device-denied');
  assert.equal((await poll(device)).error, 'access_denied');
  await person.page.goto(device.verification_uri_complete);
  await person.press('Continue');
  await person.page.getByRole('alert').waitFor();
  await person.see('Connect a device', 'device-unknown');
});
