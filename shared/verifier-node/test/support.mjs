// What several tests share.

import assert from 'node:assert/strict';
import { Refusal } from '../dist/index.js';

/** The reason for which this is refused; `null` when it is not. */
export async function reasonOf(work) {
  try {
    await work;
    return null;
  } catch (error) {
    assert.ok(error instanceof Refusal, error?.stack ?? String(error));
    return error.reason;
  }
}

/** Waits until something holds. */
export async function until(holds, what, milliseconds = 20_000) {
  const end = performance.now() + milliseconds;
  while (!(await holds())) {
    assert.ok(performance.now() < end, `it never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Lets what was started in the background land. */
export const settled = () => new Promise((resolve) => setTimeout(resolve, 30));
