// Somebody with a browser that runs no scripts: it keeps cookies, follows redirects within the issuer, and sends forms as they are.

import assert from 'node:assert/strict';
import { issuer } from './issuer.mjs';

export class Person {
  #cookies = new Map();

  constructor(user) {
    this.user = user;
  }

  /**
   * Goes where a client sends people: signs in if asked to, and says `decision` to what the client wants. It ends
   * with what the browser would ask the client for: a URL, or a request if it was told to send a form.
   */
  async visit(url, decision = 'allow') {
    return this.#answer(await this.#open(url), { decision });
  }

  /** Enters the code that a device shows, and decides. It ends with what the last page says. */
  async enter({ verification_uri, user_code }, decision = 'allow') {
    return this.#answer(await this.#open(verification_uri), { user_code, decision });
  }

  async #answer(place, { user_code, decision }) {
    const { user_name, password } = this.user;
    const entries = [{ password, user_name }, { user_code }, { decision }];
    const steps = entries.map(Object.entries).filter(([[, value]]) => value !== undefined);
    while (typeof place === 'string') {
      const forms = formsOf(place);
      const elsewhere = forms.find(({ action }) => action.origin !== issuer.origin);
      if (elsewhere) {
        return new Request(elsewhere.action, { method: 'POST', body: elsewhere.fields });
      }
      const step = steps.find(([[name]]) => forms.some((form) => form.names.includes(name)));
      if (!step) {
        return textOf(place);
      }
      steps.splice(steps.indexOf(step), 1);
      const { action, fields } = forms.find((form) => form.names.includes(step[0][0]));
      step.forEach(([name, value]) => fields.set(name, value));
      place = await this.#open(action, { method: 'POST', body: fields });
    }
    return place;
  }

  /** The page at a URL of the issuer, or the URL elsewhere that it leads to. */
  async #open(url, init = {}) {
    for (let next = new URL(url); ; ) {
      if (next.origin !== issuer.origin) {
        return next;
      }
      const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ');
      const headers = { cookie, 'sec-fetch-site': init.body ? 'same-origin' : 'cross-site' };
      const response = await fetch(next, { ...init, headers, redirect: 'manual' });
      response.headers.getSetCookie().forEach((one) => this.#keep(one));
      const location = response.headers.get('location');
      if (location === null) {
        return response.text();
      }
      assert.equal(response.status, 303, 'RFC 9700 §4.12');
      next = new URL(location, next);
      init = {};
    }
  }

  #keep(cookie) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    if (/; *max-age=0/i.test(cookie)) {
      this.#cookies.delete(name);
    } else {
      this.#cookies.set(name, value);
    }
  }
}

/** The forms of a page: where each is sent, its fields as they are filled in, and the names that it can send. */
function formsOf(html, base = issuer) {
  return [...html.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)].map(([, head, inside]) => {
    const tags = [...inside.matchAll(/<(input|button)[^>]*>/g)];
    const named = tags.map(([tag]) => [attribute(tag, 'name'), attribute(tag, 'value') ?? '', tag]);
    const fields = named.filter(([name, , tag]) => name !== null && tag.startsWith('<input'));
    return {
      action: new URL(attribute(head, 'action'), base),
      fields: new URLSearchParams(fields.map(([name, value]) => [name, value])),
      names: named.map(([name]) => name),
    };
  });
}

function attribute(tag, name) {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? null : unescaped(value);
}

function textOf(html) {
  const body = html.replace(/<style>.*?<\/style>/gs, '');
  return unescaped(body.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim());
}

function unescaped(text) {
  const characters = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name) => characters[name]);
}

/** A browser that runs no scripts and goes anywhere. It keeps cookies by origin. */
export class Browser {
  #jars = new Map();

  /** The page at a URL, after redirects; or the first URL on the way at which `stops` says so. */
  async open(url, init = {}, stops = () => false) {
    for (let next = new URL(url); ; ) {
      if (stops(next)) {
        return next;
      }
      const jar = this.#jar(next);
      const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
      const headers = { cookie, 'sec-fetch-site': init.body ? 'same-origin' : 'cross-site' };
      const response = await fetch(next, { ...init, headers, redirect: 'manual' });
      for (const one of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(one);
        /max-age=0|expires=thu, 01 jan 1970/i.test(one) ? jar.delete(name) : jar.set(name, value);
      }
      const location = response.headers.get('location');
      if (location === null) {
        return pageOf(next, response.status, await response.text());
      }
      next = new URL(location, next);
      init = {};
    }
  }

  /** Signs in on a page with a name and a password. */
  signIn({ forms }, { user_name, password }) {
    const { action, fields } = forms.find(({ names }) => names.includes('password'));
    fields.set('user_name', user_name);
    fields.set('password', password);
    return this.open(action, { method: 'POST', body: fields });
  }

  #jar({ origin }) {
    if (!this.#jars.has(origin)) {
      this.#jars.set(origin, new Map());
    }
    return this.#jars.get(origin);
  }
}

function pageOf(url, status, html) {
  const links = [...html.matchAll(/<a\s[^>]*>/g)].map(([tag]) => attribute(tag, 'href'));
  const buttons = (inside) => [...inside.matchAll(/<button[^>]*>/g)].map(([tag]) => [attribute(tag, 'name'), attribute(tag, 'value')]);
  const insides = [...html.matchAll(/<form[^>]*>(.*?)<\/form>/gs)].map(([, inside]) => inside);
  const forms = formsOf(html, url).map((form, index) => ({ ...form, buttons: buttons(insides[index]) }));
  return { url, status, text: textOf(html), forms, links: links.filter(Boolean).map((href) => new URL(href, url)) };
}
