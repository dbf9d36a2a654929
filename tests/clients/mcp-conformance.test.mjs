// The conformance suite of the Model Context Protocol asks all that it asks of authorization servers.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { issuer, loopbackUri, newApp, newUser } from './issuer.mjs';
import { Person } from './person.mjs';

/** A command of a package. */
const command = (name) => fileURLToPath(new URL(`node_modules/.bin/${name}`, import.meta.url));

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

test('MCP conformance: authorization-server-metadata-endpoint, authorization-code-grant', async (t) => {
  const app = newApp('--public', '--redirect-uri', loopbackUri, '--default-scope=read');
  const client = ['--client-id', app.client_id, '--port', await freePort()];
  const options = ['authorization', '--url', issuer.origin, ...client];
  // The suite needs a newer Node than Debian has, which is one of the packages.
  const suite = spawn(command('node'), [command('conformance'), ...options]);
  t.after(() => suite.kill());
  const ended = once(suite, 'close');
  const said = [];
  suite.stderr.on('data', (text) => said.push(String(text)));
  for await (const line of createInterface(suite.stdout)) {
    said.push(line);
    if (line.startsWith('Callback server started')) {
      // Somebody is to open the URL that it has printed.
      const url = said.find((one) => one.startsWith(issuer.href));
      const back = await new Person(newUser()).visit(url);
      assert.ok((await fetch(back)).ok);
    }
  }
  const [code] = await ended;
  assert.equal(code, 0, said.join('\n'));
  for (const scenario of ['authorization-server-metadata-endpoint', 'authorization-code-grant']) {
    const verdict = said.find((one) => one.startsWith(`✓ ${scenario}`));
    assert.match(verdict ?? said.join('\n'), /1 passed, 0 failed/);
  }
});
