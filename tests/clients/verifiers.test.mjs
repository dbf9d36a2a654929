// What a team sees that has services in Rust, Node and Python: every verifier says the same of every token, while tokens are revoked, keys
// replaced and the issuer is away (invariants 4 and 7).

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { newFolder, remove, start } from './serve.mjs';

const folder = newFolder();
let server = await start(folder);
const { tokensmith } = await import('./issuer.mjs');

const issuer = server.url.origin;
const audience = 'https://api.example/orders';
tokensmith(['resource', 'create', audience, '--scope', 'read=Read them', '--access-ttl', '2h']);
const client = tokensmith(['client', 'create', '--id', 'app', '--allow', `${audience}=read`, '--access-ttl', '2h', '--grant', 'client_credentials']);

const own = (name) => fileURLToPath(new URL(name, import.meta.url));
const python = own('../../shared/verifier-python/.venv/bin/python');
const LANGUAGES = {
  Rust: [join(dirname(process.env.TOKENSMITH), 'verdicts')],
  Node: [process.execPath, own('verdicts.mjs')],
  Python: [python, own('verdicts.py'), 'blocking'],
  'Python with asyncio': [python, own('verdicts.py'), 'asyncio'],
};

/** A service with one of the verifiers. */
class Service {
  constructor(language, whenStale) {
    Object.assign(this, { name: `${language}, ${whenStale}`, whenStale });
    const [program, ...options] = LANGUAGES[language];
    const env = { ...process.env, PYTHONPATH: own('../../shared/verifier-python/src') };
    this.process = spawn(program, [...options, issuer, audience, whenStale], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  /** Why it refuses a token, after so many seconds have passed for it; null when it does not. */
  async ask(question) {
    this.process.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.lines.next();
    assert.ok(!done, `${this.name} has ended`);
    return JSON.parse(value);
  }
}

const services = Object.keys(LANGUAGES).flatMap((language) => ['fail-closed', 'fail-open'].map((stale) => new Service(language, stale)));
after(async () => {
  services.forEach((service) => service.process.kill());
  await server.stop();
  remove(folder);
});

async function post(path, form) {
  const authorization = `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`;
  const answer = await fetch(new URL(path, issuer), { method: 'POST', headers: { authorization }, body: new URLSearchParams(form) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

async function newToken() {
  const answer = await post('/oauth2/token', { grant_type: 'client_credentials' });
  return answer.access_token;
}

const keyOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).kid;

/** What each service says, by its name. */
async function verdicts(token, more = {}) {
  const said = await Promise.all(services.map((service) => service.ask({ token, ...more })));
  return Object.fromEntries(services.map(({ name }, index) => [name, said[index]]));
}

const all = (verdict) => Object.fromEntries(services.map((service) => [service.name, typeof verdict === 'function' ? verdict(service) : verdict]));

/** Asks about a token until every service refuses it for one of these reasons: the feed is renewed every 5 s, and asked for as often. */
async function assertSoonRefused(token, ...reasons) {
  const until = performance.now() + 12_000;
  for (;;) {
    const said = await verdicts(token);
    if (Object.values(said).every((reason) => reasons.includes(reason))) {
      return;
    }
    assert.ok(performance.now() < until, JSON.stringify(said));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Revokes a token as its client does. */
async function assertRevocationIsSeen(token) {
  await post('/oauth2/revoke', { token });
  await assertSoonRefused(token, 'token_revoked');
}

test('invariant 4: a token works everywhere, and after it was revoked nowhere', async () => {
  const [token, other] = [await newToken(), await newToken()];
  assert.deepEqual(await verdicts(token), all(null));
  await assertRevocationIsSeen(token);
  assert.deepEqual(await verdicts(other), all(null));
});

/** New tokens, one after the other, each asked of a service until `isOver`. What is refused is noted with the key of the token. */
async function load(service, isOver) {
  const seen = { accepted: new Map(), refused: [] };
  while (!isOver(seen)) {
    const token = await newToken();
    const [kid, reason] = [keyOf(token), await service.ask({ token })];
    if (reason === null) {
      seen.accepted.set(kid, (seen.accepted.get(kid) ?? 0) + 1);
    } else {
      seen.refused.push({ service: service.name, kid, reason });
    }
  }
  return seen;
}

/** The command, while other things go on. */
async function rotate(...options) {
  const data = JSON.parse(process.env.TOKENSMITH_DATA_ARGUMENTS);
  await promisify(execFile)(process.env.TOKENSMITH, ['key', 'rotate', ...options, ...data]);
}

test('invariants 4 and 7: keys are replaced and withdrawn under load, and no good token is refused', async () => {
  const before = await newToken();
  const old = keyOf(before);
  // A key that is published ahead changes nothing for anybody.
  let isPublished = false;
  const planned = services.map((service) => load(service, ({ accepted }) => isPublished && accepted.get(old) >= 30));
  await rotate();
  isPublished = true;
  assert.deepEqual((await Promise.all(planned)).flatMap(({ refused }) => refused), []);
  // A stolen one is withdrawn while requests go on.
  const emergency = services.map((service) => load(service, ({ accepted }) => [...accepted].some(([kid, count]) => kid !== old && count >= 100)));
  await rotate('--now', '--yes');
  const refused = (await Promise.all(emergency)).flatMap((seen) => seen.refused);
  const ended = ['withdrawn_key', 'unknown_key'];
  assert.deepEqual(refused.filter(({ kid, reason }) => kid !== old || !ended.includes(reason)), []);
  await assertSoonRefused(before, ...ended);
});

test('invariant 4: what is revoked after the issuer was away for a moment is seen as fast as before', async () => {
  const token = await newToken();
  await server.stop();
  assert.deepEqual(await verdicts(token), all(null));
  server = await start(folder, server.url.host);
  await assertRevocationIsSeen(token);
});

test('while the issuer is away for an hour, services refuse or go on as they were told, and revoked tokens stay refused', async () => {
  const [good, revoked] = [await newToken(), await newToken()];
  assert.deepEqual(await verdicts(good), all(null));
  await assertRevocationIsSeen(revoked);
  await server.stop();
  const stale = (verdict) => all(({ whenStale }) => (whenStale === 'fail-open' ? verdict : 'unavailable'));
  assert.deepEqual(await verdicts(good, { pass: 60 }), all(null), 'for two minutes nobody need notice');
  assert.deepEqual(await verdicts(good, { pass: 3600 }), stale(null));
  assert.deepEqual(await verdicts(revoked), stale('token_revoked'));
  assert.deepEqual(await verdicts(`${good.slice(0, -4)}AAAA`), all('bad_signature'));
});
