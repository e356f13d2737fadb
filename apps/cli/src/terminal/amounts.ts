/** Dollars as people read them: cents, and for small amounts as many digits as say something. */
export function dollars(usd: number): string {
  if (usd === 0) return '$0';
  if (usd >= 100) return `$${Math.round(usd).toLocaleString('en-US')}`;
  return usd >= 0.1 ? `$${usd.toFixed(2)}` : `$${Number(usd.toPrecision(2))}`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A model's students by name. */
export function studentText({ student, encoderShare }: { readonly student: string; readonly encoderShare: number | null }): string {
  return encoderShare === null ? student : `${student} and linear`;
}

/** What became of documents: how many a person is to look at, which could not be used, and of how many an encoder read only a part. */
export function routesText(documents: {
  readonly auto: number;
  readonly review: number;
  readonly deadLetters: number;
  readonly truncated: number;
}): string {
  const { auto, review, deadLetters, truncated } = documents;
  const inPart = truncated === 0 ? '' : `; of ${count(truncated)} the encoder read only a part (longer than student.maxTokens)`;
  return `${count(auto)} auto, ${count(review)} to review, ${count(deadLetters)} dead letters${inPart}`;
}
