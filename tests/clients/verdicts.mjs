// A service with the verifier for Node, asked over its standard input: see verifiers.test.mjs.

import { createInterface } from 'node:readline';
import { Refusal, Verifier } from '../../shared/verifier-node/dist/index.js';

const [issuer, audience, whenStale] = process.argv.slice(2);
let ahead = 0;
const clock = () => Date.now() / 1000 + ahead;
const verifier = new Verifier({ issuer, audience, revocations: { whenStale }, clock });

/** Why a token is refused; null when it is not. */
async function reasonOf(token) {
  try {
    await verifier.verify(token);
    return null;
  } catch (error) {
    if (error instanceof Refusal) {
      return error.reason;
    }
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  ahead += question.pass ?? 0;
  console.log(JSON.stringify(question.token ? await reasonOf(question.token) : null));
}
