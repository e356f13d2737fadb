import { inUsd, LlambertError, type NanoUsd, nanoUsd } from '@llambert/domain';

// What proto3 lets through and the domain does not. Every check names its field; the codec adds the message.

function refuse(field: string, problem: string): never {
  throw new LlambertError('invalid_input', `${field} ${problem}`);
}

/** A message field that must be there. */
export function present<T>(field: string, value: T | undefined): T {
  return value ?? refuse(field, 'is missing');
}

export function finite(field: string, value: number): number {
  return Number.isFinite(value) ? value : refuse(field, `is ${value}, not a finite number`);
}

/** A probability or a share. */
export function share(field: string, value: number): number {
  return value >= 0 && value <= 1 ? value : refuse(field, `is ${value}, not in [0, 1]`);
}

export function shares(field: string, values: readonly number[]): readonly number[] {
  for (let index = 0; index < values.length; index++) share(field, values[index]!);
  return values;
}

/** An absent field is null in the domain. */
export function orNull<T, U>(value: T | undefined, read: (value: T) => U): U | null {
  return value === undefined ? null : read(value);
}

/** An int64 that a double holds exactly. */
export function integer(field: string, value: bigint): number {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : refuse(field, `is ${value}, beyond ±2^53`);
}

/** An amount of money, in nano-dollars. */
export function amount(field: string, value: bigint): NanoUsd {
  return value >= 0n ? integer(field, value) : refuse(field, `is ${value}, below zero`);
}

/** US dollars as nano-dollars. Throws where the amount is finer than that: what is read back must be what was written. */
export function nanoFromUsd(field: string, usd: number): bigint {
  const amount = nanoUsd(usd);
  return inUsd(amount) === usd ? BigInt(amount) : refuse(field, `is ${usd} US dollars, finer than a billionth`);
}

/** The domain's words for an enum's numbers. The words must be all of their type; UNSPECIFIED and unknown numbers have none. */
export function enumeration<Word extends string, Wire extends number>(numbers: Readonly<Record<Word, Wire>>) {
  const words = new Map<number, Word>(Object.entries<Wire>(numbers).map(([word, number]) => [number, word as Word]));
  return {
    toWire: (word: Word): Wire => numbers[word],
    fromWire: (field: string, number: number): Word =>
      words.get(number) ?? refuse(field, number === 0 ? 'is missing' : `is ${number}, which is none of its values`),
  };
}
