// A web application on loopback, for as long as a test runs.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** Starts `application`, which answers requests as express does. It ends with its URL. */
export async function serve(t, application) {
  const server = createServer(application);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** Where a web application sends the browser. */
export async function sentTo(url, init = {}) {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  return new URL(response.headers.get('location'), url);
}
