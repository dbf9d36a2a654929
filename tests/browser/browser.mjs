// A browser, and what every page of the issuer has to be in it.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, afterEach } from 'node:test';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { issuer } from './setting.mjs';

const VIEWPORTS = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
};
const LOOKS = Object.keys(VIEWPORTS).flatMap((size) => [
  [size, 'light'],
  [size, 'dark'],
]);
const SCREENSHOTS = new URL('../../target/screenshots/', import.meta.url).pathname;
mkdirSync(SCREENSHOTS, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});

/** Those of the running test. */
const people = [];
afterEach(async () => {
  for (const person of people.splice(0)) {
    await person.leave();
  }
});
after(() => browser.close());

/** The pages that were looked at in every size and colour. */
const seen = new Set();

/**
 * Somebody with a browser of their own, who goes from the pages of `apps` to the issuer's and back. `size` is `phone` or
 * `desktop`, `colours` are `light` or `dark`; other options are Playwright's.
 */
export async function newPerson(apps, { size = 'desktop', colours = 'light', ...options } = {}) {
  const context = await browser.newContext({
    viewport: VIEWPORTS[size],
    colorScheme: colours,
    locale: 'en-GB',
    ...options,
  });
  context.setDefaultTimeout(30_000);
  const person = new Person(context, apps, [size, colours], options.javaScriptEnabled ?? true);
  people.push(person);
  await person.newTab();
  return person;
}

class Person {
  #wrong = [];

  constructor(context, apps, look, runsScripts) {
    Object.assign(this, { context, apps, look, runsScripts });
    const origins = [issuer.origin, ...apps.map((app) => app.origin)];
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol !== 'data:' && !origins.includes(url.origin)) {
        this.#wrong.push(`a request to ${url}`);
      }
    });
  }

  /** Opens another tab, which is the one that is used from now on. */
  async newTab() {
    const page = await this.context.newPage();
    page.on('pageerror', (error) => this.#wrong.push(`an error in a script: ${error}`));
    page.on('console', (message) => {
      // A page that is answered with 4xx is also noted in the console.
      const isStatus = message.text().startsWith('Failed to load resource: the server responded');
      const isPage = message.location().url === page.url();
      if (message.type() === 'error' && !(isStatus && isPage)) {
        this.#wrong.push(`in the console: ${message.text()} (${message.location().url})`);
      }
    });
    this.page = page;
    return page;
  }

  /** Comes from an app to the issuer. */
  async come(app, parameters) {
    await this.page.goto(app.start(parameters));
    await this.page.getByRole('link', { name: 'Sign in' }).click();
  }

  async open(path) {
    return this.page.goto(new URL(path, issuer).href);
  }

  /** Is on the page with this heading, which is as it has to be. Its screenshots are called `name`. */
  async see(heading, name) {
    await this.page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
    assert.equal(new URL(this.page.url()).origin, issuer.origin);
    if (!seen.has(name)) {
      seen.add(name);
      for (const [size, colours] of LOOKS) {
        await this.page.setViewportSize(VIEWPORTS[size]);
        await this.page.emulateMedia({ colorScheme: colours, reducedMotion: 'reduce' });
        await this.#fits(`${name}, ${size}`);
        // Once in each size and in each colours.
        if ((size === 'phone') === (colours === 'light')) {
          await this.#isAccessible(`${name}, ${size}, ${colours}`);
        }
        const path = `${SCREENSHOTS}${name}-${size}-${colours}.png`;
        await this.page.screenshot({ path, fullPage: true });
      }
      const [size, colours] = this.look;
      await this.page.setViewportSize(VIEWPORTS[size]);
      await this.page.emulateMedia({ colorScheme: colours });
    }
    assert.deepEqual(this.#wrong, []);
  }

  async #fits(where) {
    const width = await this.page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.ok(width[0] <= width[1], `${where}: ${width[0]} px of ${width[1]}`);
  }

  async #isAccessible(where) {
    if (!this.runsScripts) {
      return;
    }
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    const grave = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
    const shown = grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`);
    assert.deepEqual(shown, [], where);
  }

  async press(name) {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  async fill(fields) {
    for (const [label, text] of Object.entries(fields)) {
      await this.page.getByLabel(label, { exact: true }).fill(text);
    }
  }

  async signIn({ name, password }) {
    await this.fill({ 'User name': name, Password: password });
    await this.press('Sign in');
  }

  /** Is back at the app. */
  async isBack(app) {
    await this.page.waitForURL(`${app.origin}/callback**`);
    await this.page.getByText('Welcome back').waitFor();
    assert.deepEqual(this.#wrong, []);
    return app.last();
  }

  async leave() {
    await this.context.close();
    assert.deepEqual(this.#wrong, []);
  }
}
