// A set of 128-bit hashes with two moments each, in 24 bytes a slot. A `Map` of strings takes five times as much for each entry.

import { sha256 } from './sha256.js';

/** A hash as four words, so that a lookup makes no object. */
export type Words = readonly [number, number, number, number];

/** A moment that never comes. */
export const FOREVER = 0xffffffff;

/** `until` is when the entry is forgotten, in seconds since 1970. What `value` is only the owner knows. */
export interface Entry {
  readonly value: number;
  readonly until: number;
}

/** So that no reader waits until a million entries have been moved. */
const SHARDS = 64;

export class HashTable {
  readonly #shards = Array.from({ length: SHARDS }, () => new Shard());
  #nextToClean = 0;

  /** Notes an entry. Of two with one hash, the one that ends later counts, and then the one with the later value. */
  insert(hash: Words, value: number, until: number, now: number): void {
    this.#shard(hash).insert(hash, saturating(value), saturating(until), now);
  }

  /** The value of the live entry with this hash; -1 without one. A value that was cut off is `Infinity`. */
  value(hash: Words, now: number): number {
    return this.#shard(hash).value(hash, now);
  }

  /** Removes the expired entries of one shard. Each call takes the next one. */
  forgetExpired(now: number): void {
    this.#shards[this.#nextToClean]?.clean(now);
    this.#nextToClean = (this.#nextToClean + 1) % SHARDS;
  }

  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, 0);
  }

  /** The memory that the entries are in, in bytes. */
  get bytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.bytes, 0);
  }

  #shard(hash: Words): Shard {
    return this.#shards[(hash[3] as number) % SHARDS] as Shard;
  }
}

/** The words of a slot: those of the hash, then `value` and `until`. A slot without `until` is free. */
const WIDTH = 6;
const SMALLEST = 8;

/** Open addressing: the words of a hash are random already, so that its first one says where to look. */
class Shard {
  #slots = new Uint32Array(SMALLEST * WIDTH);
  size = 0;

  get bytes(): number {
    return this.#slots.byteLength;
  }

  value(hash: Words, now: number): number {
    const at = this.#find(hash);
    const until = this.#slots[at + 5] as number;
    if (until === 0 || until < now) return -1;
    const value = this.#slots[at + 4] as number;
    return value === FOREVER ? Infinity : value;
  }

  insert(hash: Words, value: number, until: number, now: number): void {
    if (until < Math.max(now, 1)) return;
    let at = this.#find(hash);
    const known = this.#slots[at + 5] as number;
    if (known > until || (known === until && (this.#slots[at + 4] as number) >= value)) return;
    if (known === 0) {
      if (this.#isFull()) {
        this.clean(now);
        at = this.#find(hash);
      }
      this.size += 1;
    }
    for (let word = 0; word < 4; word += 1) this.#slots[at + word] = hash[word] as number;
    this.#slots[at + 4] = value;
    this.#slots[at + 5] = until;
  }

  /** Moves what is still live into a table of the size that it needs. */
  clean(now: number): void {
    const old = this.#slots;
    let live = 0;
    for (let at = 5; at < old.length; at += WIDTH) if ((old[at] as number) >= Math.max(now, 1)) live += 1;
    if (live === this.size && !this.#isFull()) return;
    this.size = live;
    this.#slots = new Uint32Array(capacityFor(live) * WIDTH);
    for (let at = 0; at < old.length; at += WIDTH) {
      if ((old[at + 5] as number) < Math.max(now, 1)) continue;
      const hash = [old[at], old[at + 1], old[at + 2], old[at + 3]] as unknown as Words;
      this.#slots.set(old.subarray(at, at + WIDTH), this.#find(hash));
    }
  }

  /** At most three quarters, so that a search ends soon. */
  #isFull(): boolean {
    return this.size * 4 >= (this.#slots.length / WIDTH) * 3;
  }

  /** Where the hash is, or the free slot where it belongs. */
  #find(hash: Words): number {
    const slots = this.#slots;
    const mask = slots.length / WIDTH - 1;
    let at = ((hash[0] as number) & mask) * WIDTH;
    while (slots[at + 5] !== 0 && !isAt(slots, at, hash)) {
      at += WIDTH;
      if (at === slots.length) at = 0;
    }
    return at;
  }
}

function isAt(slots: Uint32Array, at: number, hash: Words): boolean {
  return (
    slots[at] === hash[0] && slots[at + 1] === hash[1] && slots[at + 2] === hash[2] && slots[at + 3] === hash[3]
  );
}

/** A power of two of which the entries take between three and six eighths. */
function capacityFor(entries: number): number {
  let capacity = SMALLEST;
  while (capacity * 5 < entries * 8) capacity *= 2;
  return capacity;
}

function saturating(seconds: number): number {
  return Math.min(seconds, FOREVER);
}

/** The first 128 bits of the SHA-256 of a text. */
export function hashOf(text: string): Words {
  return wordsOf(sha256(text, 'binary'));
}

/** The first sixteen bytes as words; each character is a byte. */
export function wordsOf(bytes: string): Words {
  return [word(bytes, 0), word(bytes, 4), word(bytes, 8), word(bytes, 12)];
}

function word(bytes: string, at: number): number {
  const high = (bytes.charCodeAt(at + 2) << 16) | (bytes.charCodeAt(at + 3) << 24);
  return (bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8) | high) >>> 0;
}
