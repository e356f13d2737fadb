/** A token of an answer and its log-probability (natural log), as `choices[].logprobs.content[]` has them. */
export interface AnswerToken {
  readonly token: string;
  readonly logprob: number;
  /** The likeliest tokens at this place, the one that was taken among them, likeliest first. */
  readonly alternatives: readonly { readonly token: string; readonly logprob: number }[];
}

/** A stretch of an answer that could have read otherwise: every reading with its probability. */
export interface Choice {
  readonly taken: string;
  readonly options: ReadonlyMap<string, number>;
}

/** Log-probability of what could hardly read otherwise (quotes and braces of the answer's JSON). */
const almostSure = -1e-5;
/** Written for what is impossible, as JSON has no infinity. */
const impossible = -100;

/** Cuts a text into pieces of the size of a language model's tokens; together they are the text. */
function splitTokens(text: string): string[] {
  return text.match(/ ?\p{L}{1,5}| ?\p{N}{1,3}|[^\p{L}\p{N}\s]+|\s/gu) ?? [];
}

/**
 * The tokens of an answer. Within a choice a token's probability is that of all readings that go on with it, among those that
 * began alike: the product over a choice's tokens is the probability of the reading that was taken.
 */
export function answerTokens(answer: readonly (string | Choice)[]): AnswerToken[] {
  return answer.flatMap((part) =>
    typeof part === 'string' ? splitTokens(part).map((token) => tokenOf(token, new Map([[token, 1]]))) : choiceTokens(part),
  );
}

function choiceTokens(choice: Choice): AnswerToken[] {
  let readings = [...choice.options].map(([text, probability]) => ({ tokens: splitTokens(text), probability }));
  return splitTokens(choice.taken).map((token, at) => {
    const mass = new Map<string, number>();
    for (const reading of readings) {
      const next = reading.tokens[at];
      if (next !== undefined) mass.set(next, (mass.get(next) ?? 0) + reading.probability);
    }
    readings = readings.filter((reading) => reading.tokens[at] === token);
    return tokenOf(token, mass);
  });
}

function tokenOf(token: string, mass: ReadonlyMap<string, number>): AnswerToken {
  const total = [...mass.values()].reduce((sum, probability) => sum + probability, 0);
  const logprob = (probability: number): number =>
    probability > 0 ? Math.max(impossible, Math.min(almostSure, Math.log(probability / total))) : impossible;
  const alternatives = [...mass].map(([text, probability]) => ({ token: text, logprob: logprob(probability) }));
  alternatives.sort((left, right) => right.logprob - left.logprob);
  return { token, logprob: logprob(mass.get(token) ?? 0), alternatives };
}
