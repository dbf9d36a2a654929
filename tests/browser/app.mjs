// A client with pages of its own, on another site than the issuer's.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { ask, metadata, newClient, newVerifier } from './setting.mjs';

/** Starts an app. It is at `localhost`, which to a browser is another site than 127.0.0.1. */
export async function newApp(name, ...options) {
  const app = new App(name, options);
  app.server.listen(0, '127.0.0.1');
  await once(app.server, 'listening');
  app.origin = `http://localhost:${app.server.address().port}`;
  return app;
}

class App {
  #asked = new Map();
  /** What browsers have brought back, each once for each time. */
  answers = [];

  constructor(name, options) {
    const redirects = ['--redirect-uri', 'http://localhost/callback'];
    redirects.push('--post-logout-redirect-uri', 'http://localhost/signed-out');
    this.client = newClient(name, ...redirects, ...options);
    this.server = createServer((request, response) => this.#answer(request, response));
  }

  /** Where a browser begins: a page with a link to the issuer. */
  start(parameters = {}) {
    return `${this.origin}/?${new URLSearchParams(parameters)}`;
  }

  /** An authorization request. */
  request(parameters) {
    const { verifier, challenge } = newVerifier();
    const state = verifier.slice(0, 16);
    this.#asked.set(state, verifier);
    const url = new URL(metadata.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: this.client.client_id,
      redirect_uri: `${this.origin}/callback`,
      response_type: 'code',
      scope: 'openid profile',
      state,
      nonce: `nonce-${state}`,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...parameters,
    });
    return url.href;
  }

  /** Where somebody signs out who has come from here (OpenID Connect RP-Initiated Logout 1.0 §2). */
  signOut({ id_token }) {
    const url = new URL(metadata.end_session_endpoint);
    url.search = new URLSearchParams({
      id_token_hint: id_token,
      post_logout_redirect_uri: `${this.origin}/signed-out`,
      state: 'bye',
    });
    return url.href;
  }

  /** The last answer that a browser has brought, which is to a request of ours and from the issuer (RFC 9207 §2.4). */
  last() {
    const answer = this.answers.at(-1);
    assert.equal(answer.iss, metadata.issuer);
    assert.ok(this.#asked.has(answer.state), answer.state);
    return answer;
  }

  /** The tokens for a code. */
  async redeem({ code, state } = this.last()) {
    const tokens = await ask('token_endpoint', this.client, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: `${this.origin}/callback`,
      code_verifier: this.#asked.get(state),
    });
    assert.equal(tokens.status, 200, JSON.stringify(tokens));
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'));
    assert.equal(claims.nonce, `nonce-${state}`);
    return { ...tokens, sub: claims.sub };
  }

  async #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.origin);
    const asked = Object.fromEntries(searchParams);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    switch (pathname) {
      case '/':
        return response.end(page(`<a href="${this.request(asked).replaceAll('&', '&amp;')}">Sign in</a>`));
      case '/callback': {
        const posted = new URLSearchParams(await text(request));
        const by = request.method === 'POST' ? Object.fromEntries(posted) : asked;
        this.answers.push({ ...by, method: request.method });
        return response.end(page('<p>Welcome back</p>'));
      }
      case '/signed-out':
        return response.end(page(`<p>Goodbye: ${asked.state}</p>`));
      default:
        response.statusCode = 404;
        return response.end();
    }
  }
}

/** A page that asks for no icon. */
function page(content) {
  const head = '<title>App</title><link rel="icon" href="data:,">';
  return `<!doctype html><html lang="en"><head>${head}</head><body>${content}</body></html>`;
}
