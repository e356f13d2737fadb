import { createHash } from 'node:crypto';

/**
 * What can go wrong on purpose, in the order of precedence. `rate-limit` (429 with Retry-After) and `server-error` (500) refuse
 * before any work and are not billed; all others are, as a provider that did the work bills it: `hang` never answers, `cut` breaks
 * the connection in the middle of the body, `malformed-body` is a body that is not JSON, `unknown-label` a label outside the set,
 * `refusal` a set `message.refusal`, `missing-usage` an answer without usage.
 */
export const faultNames = [
  'rate-limit',
  'server-error',
  'hang',
  'cut',
  'malformed-body',
  'unknown-label',
  'refusal',
  'missing-usage',
] as const;

export type FaultName = (typeof faultNames)[number];

/** How often: with a probability, on the server's first n calls, or on the first n attempts of each request. */
export type FaultRate = { readonly probability: number } | { readonly first: number } | { readonly each: number };

export type FaultPlan = Readonly<Partial<Record<FaultName, FaultRate>>>;

/** Decides what goes wrong with a call. */
type FaultDraw = (requestHash: string, attempt: number) => FaultName | null;

/**
 * Probabilities are drawn from seed, request and attempt alone, so a request meets the same faults in whatever order requests come.
 * Counts are used up one fault after the other, in their order.
 * @param seed any text or number
 * @throws RangeError where a rate is none, or the probabilities sum to more than 1
 */
export function planFaults(plan: FaultPlan, seed: string | number): FaultDraw {
  const planned = faultNames.flatMap((name) => (plan[name] === undefined ? [] : [{ name, rate: plan[name] }]));
  const sum = planned.reduce((total, { rate }) => total + ('probability' in rate ? rate.probability : 0), 0);
  for (const { name, rate } of planned) {
    const value = Object.values(rate)[0] ?? Number.NaN;
    const valid = 'probability' in rate ? value >= 0 && value <= 1 : Number.isSafeInteger(value) && value >= 0;
    if (!valid) throw new RangeError(`the rate of the fault ${name} must be a probability or a whole number of calls`);
  }
  if (sum > 1) throw new RangeError(`the faults' probabilities sum to ${sum}, which is more than 1`);
  let calls = 0;
  return (requestHash, attempt) => {
    const call = calls++;
    const drawn =
      Number.parseInt(createHash('sha256').update(`${seed}\0${requestHash}\0${attempt}`).digest('hex').slice(0, 12), 16) / 2 ** 48;
    let firstUsed = 0;
    let eachUsed = 0;
    let mass = 0;
    for (const { name, rate } of planned) {
      if ('first' in rate) {
        if (call < firstUsed + rate.first) return name;
        firstUsed += rate.first;
      } else if ('each' in rate) {
        if (attempt <= eachUsed + rate.each) return name;
        eachUsed += rate.each;
      } else {
        mass += rate.probability;
        if (drawn < mass) return name;
      }
    }
    return null;
  };
}

/**
 * Reads `name=0.1`, `name=first:3` or `name=each:1`.
 * @throws RangeError that says what can be written
 */
export function parseFault(argument: string): FaultPlan {
  const [, name, count, amount] = /^([a-z-]+)=(?:(first|each):)?(\d+(?:\.\d+)?)$/.exec(argument) ?? [];
  const fault = faultNames.find((known) => known === name);
  if (fault === undefined || amount === undefined) {
    throw new RangeError(`"${argument}" is no fault: write NAME=0.1, NAME=first:3 or NAME=each:1, NAME one of ${faultNames.join(', ')}`);
  }
  const value = Number(amount);
  return { [fault]: count === 'first' ? { first: value } : count === 'each' ? { each: value } : { probability: value } };
}
