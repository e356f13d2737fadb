import type { LabelDistribution, LabelSet, TeacherAnswer, TokenLogProbability } from '@llambert/domain';

export interface Confidence {
  /** Probability the teacher gave to what it answered, in [0, 1]; null: not known. */
  readonly confidence: number | null;
  /** Its probabilities over the label set, summing to 1; null: not known, always for `multi`. */
  readonly distribution: LabelDistribution | null;
}

const unknown: Confidence = { confidence: null, distribution: null };

/** Least share of the probability that must be told apart for a distribution. */
const leastMassKnown = 0.9;

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * How sure the teacher was of `labels`, from the log-probabilities of the tokens that spell them. For `single` the product over the
 * tokens of the label; for `multi` over all between the brackets of the list and the closing one, for ending the list is a decision too.
 */
export function confidenceOf(answer: Pick<TeacherAnswer, 'tokens'>, labels: readonly string[], labelSet: LabelSet): Confidence {
  if (answer.tokens === null) return unknown;
  const text = answer.tokens.map(({ token }) => token).join('');
  const [label] = labels;
  if (labelSet.kind === 'multi') {
    const list = listSpan(text);
    return list === null ? unknown : { confidence: productOver(answer.tokens, list), distribution: null };
  }
  const span = label === undefined ? null : labelSpan(text, label, labelSet);
  if (span === null || label === undefined) return unknown;
  return { confidence: productOver(answer.tokens, span), distribution: distributionAt(answer.tokens, text, span, label, labelSet) };
}

/**
 * Where a label stands in an answer: after the last `"label"` key, or where it stands only once. Where another label begins like it, the
 * closing quote belongs to it (`card` is decided by what follows), and without one nothing is known.
 */
function labelSpan(text: string, label: string, labelSet: LabelSet): Span | null {
  const spelling = spelt(label);
  const key = text.lastIndexOf('"label"');
  const from = key < 0 ? 0 : key + '"label"'.length;
  const start = text.indexOf(spelling, from);
  if (start < 0 || (key < 0 && text.indexOf(spelling, start + 1) >= 0)) return null;
  const end = start + spelling.length;
  if (!labelSet.names.some((name) => name !== label && spelt(name).startsWith(spelling))) return { start, end };
  return text[end] === '"' ? { start, end: end + 1 } : null;
}

/** What stands between the brackets after the last `"labels"` key, the closing one included. */
function listSpan(text: string): Span | null {
  const list = /"labels"\s*:\s*\[(?<items>(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])(?!.*"labels")/su.exec(text);
  if (list?.groups?.items === undefined) return null;
  const end = list.index + list[0].length;
  return { start: end - list.groups.items.length, end };
}

/** Product of the probabilities of the tokens that overlap a span. */
function productOver(tokens: readonly TokenLogProbability[], span: Span): number {
  let position = 0;
  let sum = 0;
  for (const { token, logProbability } of tokens) {
    const end = position + token.length;
    if (end > span.start && position < span.end) sum += logProbability;
    position = end;
  }
  return Math.exp(sum);
}

/**
 * The distribution over the label set that the listed alternatives show: along the tokens that were chosen, each alternative gives its
 * probability to the label that it begins, where that is only one. null where too much probability is not listed or could begin several.
 */
function distributionAt(
  tokens: readonly TokenLogProbability[],
  text: string,
  span: Span,
  label: string,
  labelSet: LabelSet,
): LabelDistribution | null {
  const masses = new Map<string, number>();
  const give = (name: string, probability: number) => masses.set(name, (masses.get(name) ?? 0) + probability);
  let reached = 1;
  let position = 0;
  for (const { token, logProbability, alternatives } of tokens) {
    const start = position;
    position += token.length;
    if (position <= span.start || start >= span.end) continue;
    const lead = text.slice(start, Math.max(start, span.start));
    const before = text.slice(span.start, Math.max(start, span.start));
    for (const alternative of alternatives) {
      if (alternative.token === token || !alternative.token.startsWith(lead)) continue;
      const [only, ...others] = labelsBegunBy(before, alternative.token.slice(lead.length), labelSet);
      if (only !== undefined && others.length === 0) give(only, reached * Math.exp(alternative.logProbability));
    }
    reached *= Math.exp(logProbability);
  }
  give(label, reached);
  const known = [...masses.values()].reduce((sum, mass) => sum + mass, 0);
  return known < leastMassKnown ? null : labelSet.names.map((name) => (masses.get(name) ?? 0) / known);
}

/** Labels whose spelling, after `before`, goes on with `continuation`, or ends within it at the closing quote. */
function labelsBegunBy(before: string, continuation: string, labelSet: LabelSet): readonly string[] {
  const text = before + continuation;
  const quote = text.indexOf('"', before.length);
  const whole = quote < 0 ? text : text.slice(0, quote);
  return labelSet.names.filter((name) => (quote < 0 ? spelt(name).startsWith(whole) : spelt(name) === whole));
}

function spelt(name: string): string {
  return JSON.stringify(name).slice(1, -1);
}
