import { InvalidArgumentError } from 'commander';

// How flags that are numbers are read.

export function positiveInteger(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number <= 0) throw new InvalidArgumentError('expected a whole number above 0');
  return number;
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(number) || number < 0)
    throw new InvalidArgumentError('expected a whole number from 0 up');
  return number;
}

/** An amount of something, from 0 up. */
export function amount(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('expected a number from 0 up, such as 0.15');
  return value;
}
