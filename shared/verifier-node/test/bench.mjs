// What a verdict costs: beside jose alone, with many revocations, and the first one of a process. `npm run bench`

import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { importJWK, jwtVerify } from 'jose';
import { HashTable } from '../dist/hash-table.js';
import { Verifier } from '../dist/index.js';
import { RevocationView, revocationHash } from '../dist/revocation-view.js';
import { testIssuer } from '../dist/testing.js';

const LIVE = 100_000;
const MANY = 1_000_000;
const ROUNDS = 15;
const CALLS = 1000;

/** Random hashes, as many revocations have. */
function* revocations(count, until) {
  for (let index = 0; index < count; index += 1) {
    yield { hash: revocationHash('token', `token-${index}`), notBefore: Infinity, until };
  }
}

/** An issuer whose feed has so many entries, in documents of 10,000. */
async function issuerWith(alg, count) {
  const issuer = await testIssuer({ alg });
  for (let index = 0; index < count; index += 1) {
    issuer.revokeGrant(`grant-${index}`);
    if (index % 5000 === 0) issuer.pass(1);
  }
  return issuer;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Microseconds for each call. */
async function time(call) {
  const before = performance.now();
  for (let index = 0; index < CALLS; index += 1) await call();
  return ((performance.now() - before) / CALLS) * 1000;
}

/** Both in turns, so that whatever else the machine does concerns both. */
async function compare(alg) {
  const issuer = await issuerWith(alg, LIVE);
  const verifier = new Verifier(issuer.options);
  const token = await issuer.token({ scope: 'orders:read', grant_id: 'grant' });
  await verifier.verify(token);
  const key = await importJWK(issuer.key.jwk, alg);
  const expected = { issuer: issuer.issuer, audience: issuer.audience, typ: 'at+jwt' };
  const options = { ...expected, algorithms: [alg], currentDate: new Date(issuer.now * 1000) };
  const [ours, jose] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    jose.push(await time(() => jwtVerify(token, key, options)));
    ours.push(await time(() => verifier.verify(token)));
  }
  const [mine, theirs] = [median(ours), median(jose)];
  const ratio = median(ours.map((value, index) => value / jose[index]));
  console.log(`${alg}: verify ${mine.toFixed(1)} us, jose.jwtVerify ${theirs.toFixed(1)} us, ratio ${ratio.toFixed(2)}`);
  return ratio;
}

function memoryOf(count) {
  const view = new RevocationView();
  const before = performance.now();
  view.apply(revocations(count, 2_000_000_000), 1_800_000_000);
  const filled = performance.now() - before;
  const claims = { jti: 'j', client_id: 'app', sub: 'alice', grant_id: 'g', iat: 1_800_000_000 };
  view.rejectionOf(claims, 'k', 1_800_000_000);
  const started = performance.now();
  for (let index = 0; index < 200_000; index += 1) view.rejectionOf({ ...claims, jti: `x${index}` }, 'k', 1_800_000_000);
  const lookup = ((performance.now() - started) / 200_000) * 1000;
  const table = new HashTable();
  for (const { hash, until } of revocations(count, 2_000_000_000)) table.insert(hash, 0, until, 1);
  const hashes = Array.from({ length: 100_000 }, (_, index) => revocationHash('token', `token-${index * Math.floor(count / 100_000)}`));
  const looked = performance.now();
  for (const hash of hashes) table.value(hash, 1);
  const one = ((performance.now() - looked) / hashes.length) * 1e6;
  const each = (view.bytes / view.size).toFixed(1);
  console.log(`${count} revocations: ${each} bytes each, filled in ${filled.toFixed(0)} ms, one lookup ${one.toFixed(0)} ns, all that concerns one token ${lookup.toFixed(1)} us`);
}

/** From the start of a process, less that of an empty one, to its first verdict: keys and feed are in its memory. */
function startUp() {
  const index = new URL('../dist/', import.meta.url).href;
  const script = `
    import { testIssuer } from '${index}testing.js';
    const issuer = await testIssuer();
    const token = await issuer.token();
    const before = performance.now();
    const { Verifier } = await import('${index}index.js');
    await new Verifier(issuer.options).verify(token);
    console.log(performance.now() - before);`;
  const run = () => Number(execFileSync(process.execPath, ['--input-type=module', '--eval', script]).toString());
  console.log(`first verdict: ${median(Array.from({ length: 7 }, run)).toFixed(1)} ms after the import began`);
}

const ratios = [];
for (const alg of ['ES256', 'RS256', 'EdDSA']) ratios.push(await compare(alg));
memoryOf(LIVE);
memoryOf(MANY);
startUp();
const LIMIT = 1.3;
if (ratios.some((ratio) => ratio > LIMIT)) {
  console.error(`a verdict costs more than ${LIMIT} times the check of the signature`);
  process.exitCode = 1;
}
