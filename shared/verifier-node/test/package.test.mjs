// The package as others get it: packed, installed from the archive, and the services of its README pasted.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { testIssuer } from '../dist/testing.js';

const root = new URL('..', import.meta.url).pathname;
const audience = 'https://api.example/';
let folder;
let issuer;
let server;

/** What is under this heading of the README, in this language. */
function pasted(heading, language = 'js') {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, section] = readme.split(`\n## ${heading}\n`);
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(section)[1];
}

/** An archive of a package, as `npm publish` would send it. What is there is packed: nothing is built anew. */
function pack(directory) {
  const [{ filename, files }] = JSON.parse(npm(['pack', directory, '--json', '--ignore-scripts']));
  return { archive: join(folder, filename), files: files.map(({ path }) => path) };
}

function npm(command) {
  return execFileSync('npm', [...command, '--no-audit', '--no-fund', '--offline', '--loglevel=error'], { cwd: folder }).toString();
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tokensmith-verifier-'));
  server = createServer(async ({ url, headers }, response) => {
    issuer.now = Math.floor(Date.now() / 1000);
    const answer = await issuer.fetch(`${issuer.issuer}${url}`, { headers });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  issuer = await testIssuer({ issuer: url, audience, now: Math.floor(Date.now() / 1000) });
});

after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

test('the archive has what is built and nothing else, and can be installed', () => {
  const { archive, files } = pack(root);
  const others = ['README.md', 'package.json', 'LICENSE-APACHE', 'LICENSE-MIT'];
  const isExpected = (path) => /^dist\/[a-z0-9-]+\.(js|d\.ts)$/.test(path) || others.includes(path);
  assert.deepEqual(files.filter((path) => !isExpected(path)), []);
  assert.deepEqual(['dist/index.js', 'dist/lambda.d.ts', ...others].filter((path) => !files.includes(path)), []);
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  // jose from where it is installed already, so that no test needs the network.
  npm(['install', archive, pack(join(root, 'node_modules/jose')).archive]);
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json')));
  assert.deepEqual(Object.keys(lock.packages), ['', 'node_modules/@tokensmith/verifier', 'node_modules/jose']);
  symlinkSync(join(root, 'node_modules/express'), join(folder, 'node_modules/express'));
});

test('what fetches says its version', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.ok(readFileSync(join(root, 'dist/fetch.js'), 'utf8').includes(`'tokensmith/${version}'`));
  assert.ok(readFileSync(join(root, '../../Cargo.toml'), 'utf8').includes(`version = "${version}"`));
});

test('the service for Express answers as it stands in the README', async () => {
  writeFileSync(join(folder, 'service.mjs'), pasted('Express'));
  const env = { ...process.env, ISSUER: issuer.issuer, AUDIENCE: audience, PORT: '0' };
  const service = spawn(process.execPath, ['service.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const url = await new Promise((resolve) => service.stdout.once('data', (line) => resolve(line.toString().trim())));
    const ask = async (claims) => {
      const token = await issuer.token(claims);
      return fetch(url, { headers: { authorization: `Bearer ${token}` } });
    };
    const good = await ask({ scope: 'invoices:read' });
    assert.deepEqual([good.status, await good.text()], [200, 'the invoices of alice\n']);
    assert.equal((await fetch(url)).status, 401);
    assert.equal((await ask({ scope: 'invoices:write' })).status, 403);
    assert.equal((await ask({ scope: 'invoices:read', aud: 'https://other.example/' })).status, 401);
  } finally {
    service.kill();
  }
});

test('the function for Lambda answers as it stands in the README', async () => {
  Object.assign(process.env, { ISSUER: issuer.issuer, AUDIENCE: audience });
  writeFileSync(join(folder, 'index.mjs'), pasted('Lambda'));
  const { handler } = await import(pathToFileURL(join(folder, 'index.mjs')));
  const event = (headers) => ({ version: '2.0', rawPath: '/invoices', headers, requestContext: { http: { method: 'GET' } } });
  const authorization = `Bearer ${await issuer.token({ scope: 'invoices:read' })}`;
  assert.deepEqual(await handler(event({ authorization }), {}), { statusCode: 200, body: 'the invoices of alice\n' });
  assert.equal((await handler(event({}), {})).statusCode, 401);
});

test('the test of the README fails where it says so', async () => {
  writeFileSync(join(folder, 'mine.mjs'), pasted('In your tests'));
  await assert.rejects(import(pathToFileURL(join(folder, 'mine.mjs'))), { name: 'Refusal', reason: 'token_revoked' });
});

test('the types fit those of Fastify and Hono', () => {
  for (const name of ['fastify', 'hono', '@types', 'typescript']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  cpSync(join(root, 'test/types.ts'), join(folder, 'types.ts'));
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2023', '--module', 'nodenext', '--types', 'node'];
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'types.ts'], { cwd: folder, stdio: 'inherit' });
});
