import { count } from './amounts.ts';

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
