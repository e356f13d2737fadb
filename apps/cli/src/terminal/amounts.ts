/** Dollars as people read them: cents, and for small amounts as many digits as say something. */
export function dollars(usd: number): string {
  if (usd === 0) return '$0';
  if (usd >= 100) return `$${Math.round(usd).toLocaleString('en-US')}`;
  return usd >= 0.1 ? `$${usd.toFixed(2)}` : `$${Number(usd.toPrecision(2))}`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
