import { type NanoUsd, priceOf, type TeacherRequest, type TokenPrice, type TokenUsage } from '@llambert/domain';
import { worstPrice, worstUsage } from './price.ts';

/** A call that cost more, by the server's own figures, than its request can cost: what was reserved for it was too little. */
export interface Overrun {
  readonly stated: TokenUsage;
  readonly possible: TokenUsage;
  /** How many times its worst price the call cost. */
  readonly factor: number;
}

/** Null where the stated tokens cost no more than the request can. */
export function overrunOf(stated: TokenUsage, request: TeacherRequest, price: TokenPrice): Overrun | null {
  const worst = worstPrice(request, price);
  const cost = priceOf(stated, price);
  return cost > worst ? { stated, possible: worstUsage(request), factor: cost / worst } : null;
}

/** What to reserve for a call of a server that has overrun: the cap holds as if every call were to overrun as much. */
export function reservedPrice(request: TeacherRequest, price: TokenPrice, overrun: Overrun | null): NanoUsd {
  return Math.ceil(worstPrice(request, price) * (overrun?.factor ?? 1));
}

/** For people: what cannot be right, what is done about it, and what they can do. */
export function overrunMessage({ stated, possible, factor }: Overrun, endpoint: string): string {
  return (
    `the teacher at ${endpoint} stated ${stated.input} input and ${stated.output} output tokens for a request that can take at most ` +
    `${possible.input} and ${possible.output}: its figures cannot be right, or it adds to the prompt or ignores the limit on answers. ` +
    `They are counted as stated, and ${factor < 10 ? factor.toFixed(1) : Math.round(factor)} times the worst price is kept free for each further call. ` +
    "Compare them with the provider's bill; if they are wrong, use another server, or raise budget.usd"
  );
}
