import type { Judgement } from './annotator.ts';
import type { Choice } from './tokens.ts';

type Labelled = Exclude<Judgement, { kind: 'unusable' }>;

/** The answer in words, with what it could have said instead: `{"label":"…"}` or `{"labels":["…"]}`, or a sentence. */
export function wordAnswer(judgement: Labelled, prose: boolean): readonly (string | Choice)[] {
  if (judgement.kind === 'single') {
    const write = prose ? (label: string) => `${label}.` : (label: string) => `${JSON.stringify(label)}}`;
    const options = new Map([...judgement.probabilities].map(([label, probability]) => [write(label), probability]));
    return [prose ? 'I would say the label is: ' : '{"label":', { taken: write(judgement.labels[0]!), options }];
  }
  return prose
    ? ['I would say the labels are: ', ...wordList(judgement, { quote: (label) => label, next: ', ', end: '.', none: 'none.' })]
    : ['{"labels":[', ...wordList(judgement, { quote: JSON.stringify, next: ',', end: ']}', none: ']}' })];
}

interface ListForm {
  readonly quote: (label: string) => string;
  readonly next: string;
  readonly end: string;
  readonly none: string;
}

/**
 * A list of labels in the label set's order as a language model would write it, label by label: each choice is the next label and
 * whether another follows. The labels stand alone, so a list's probability is the product over all labels of p or 1 - p.
 */
function wordList(judgement: Labelled, form: ListForm): Choice[] {
  const set = [...judgement.probabilities];
  /** Probability that no label from the given place on is named. */
  const noneFrom = (start: number): number => set.slice(start).reduce((product, [, probability]) => product * (1 - probability), 1);
  const choices: Choice[] = [];
  let start = 0;
  const taken = set.flatMap(([label], index) => (judgement.labels.includes(label) ? [index] : []));
  for (const [at, index] of (taken.length === 0 ? [-1] : taken).entries()) {
    const options = new Map<string, number>(start === 0 ? [[form.none, noneFrom(0)]] : []);
    const given = start === 0 ? 1 : 1 - noneFrom(start);
    let skipped = 1 / given;
    for (let next = start; next < set.length; next++) {
      const [label, probability] = set[next]!;
      const last = noneFrom(next + 1);
      options.set(form.quote(label) + form.end, skipped * probability * last);
      if (next + 1 < set.length) options.set(form.quote(label) + form.next, skipped * probability * (1 - last));
      skipped *= 1 - probability;
    }
    const ending = at + 1 === taken.length ? form.end : form.next;
    choices.push({ taken: index < 0 ? form.none : form.quote(set[index]![0]) + ending, options });
    start = index + 1;
  }
  return choices;
}
