// A `tokensmith serve` that also fetches from this machine, which the issuer of the other tests need not.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Starts it, and makes it the issuer of this process: `issuer.mjs` has to be imported after this. Returns what ends it. */
export async function serve() {
  const folder = newFolder();
  const server = await start(folder);
  return async () => {
    await server.stop();
    remove(folder);
  };
}

/** Where the data of an issuer can be. */
export const newFolder = () => mkdtempSync(join(tmpdir(), 'tokensmith-'));

export const remove = (folder) => rmSync(folder, { recursive: true });

/** Starts it on the data of a folder, at this address, and makes it the issuer of this process. */
export async function start(folder, listen = '127.0.0.1:0') {
  const data = ['--data', join(folder, 'data')];
  const options = ['serve', '--listen', listen, '--fetch-private', ...data];
  const child = spawn(process.env.TOKENSMITH, options, { stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^listening on (\S+)/.exec(line) ?? [];
    if (url) {
      process.env.ISSUER_URL = url;
      break;
    }
  }
  child.stdout.resume();
  process.env.TOKENSMITH_DATA_ARGUMENTS = JSON.stringify(data);
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill();
    await ended;
  };
  return { url: new URL(process.env.ISSUER_URL), stop };
}
