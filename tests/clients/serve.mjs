// A `tokensmith serve` that also fetches from this machine, which the issuer of the other tests need not.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Starts it, and makes it the issuer of this process: `issuer.mjs` has to be imported after this. Returns what ends it. */
export async function serve() {
  const directory = mkdtempSync(join(tmpdir(), 'tokensmith-'));
  const data = ['--data', join(directory, 'data')];
  const options = ['serve', '--listen', '127.0.0.1:0', '--fetch-private', ...data];
  const child = spawn(process.env.TOKENSMITH, options, { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const [, url] = /^listening on (\S+)/.exec(line) ?? [];
    if (url) {
      process.env.ISSUER_URL = url;
      break;
    }
  }
  child.stdout.resume();
  process.env.TOKENSMITH_DATA_ARGUMENTS = JSON.stringify(data);
  return () => {
    child.kill();
    rmSync(directory, { recursive: true });
  };
}
