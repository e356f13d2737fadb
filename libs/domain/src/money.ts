/** An amount of money in whole billionths of a US dollar (1e-9 $): integers add up exactly, and $9 million still fit a double. */
export type NanoUsd = number;

/** What a teacher costs, in US dollars per million tokens. */
export interface TokenPrice {
  readonly input: number;
  readonly output: number;
}

export interface TokenUsage {
  readonly input: number;
  readonly output: number;
}

export const noTokens: TokenUsage = { input: 0, output: 0 };

export function nanoUsd(usd: number): NanoUsd {
  return Math.round(usd * 1e9);
}

export function inUsd(amount: NanoUsd): number {
  return amount / 1e9;
}

/** Price of a call, rounded up to the next nano-dollar: a ledger may be above the provider's bill, never below. */
export function priceOf(usage: TokenUsage, price: TokenPrice): NanoUsd {
  return Math.ceil(usage.input * price.input * 1000 + usage.output * price.output * 1000);
}
