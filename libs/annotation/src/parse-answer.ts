import type { LabelSet, RejectionReason, TeacherAnswer } from '@llambert/domain';
import { answersInJson } from './json-answer.ts';
import { findLabel } from './label-names.ts';
import { labelsInList } from './list-answer.ts';
import { labelInText, looksRefused } from './text-answer.ts';

export type ParsedAnswer =
  | { readonly ok: true /** Names of the set, in its order, unique; exactly one for `single`. */; readonly labels: readonly string[] }
  | { readonly ok: false; readonly reason: RejectionReason; readonly detail: string };

/** A longer answer is not read to its end. */
const maxCharacters = 64 * 1024;

const maxDetailCharacters = 200;

/**
 * The labels in a teacher's answer: from JSON where there is some, else from the text, and rather none than a guess. Never throws.
 */
export function parseAnswer(answer: Pick<TeacherAnswer, 'content' | 'refusal' | 'finish'>, labelSet: LabelSet): ParsedAnswer {
  if (answer.refusal !== null) return rejected('refused', answer.refusal);
  if (answer.finish === 'content_filter') return rejected('refused', "the provider's content filter took the answer out");

  const text = withoutReasoning(answer.content.slice(0, maxCharacters)).trim();
  if (answer.finish !== 'length' && labelSet.names.includes(text)) return { ok: true, labels: [text] };
  const fromJson = answersInJson(text);
  if (fromJson.length > 0)
    return onlyOne(
      fromJson.map((names) => named(names, labelSet)),
      text,
    );
  if (answer.finish === 'length') return rejected('cut_off', `the answer reached the limit of teacher.maxOutputTokens: ${text}`);
  if (text === '') return rejected('unparseable', 'the answer is empty');
  return fromText(text, labelSet);
}

function fromText(text: string, labelSet: LabelSet): ParsedAnswer {
  const found = labelSet.kind === 'single' ? labelInText(text, labelSet) : labelsInList(text.normalize('NFKC'), labelSet);
  if (found === 'unclear') return looksRefused(text) ? rejected('refused', text) : rejected('unparseable', text);
  if (found === 'unknown') return rejected('unknown_label', text);
  return inOrder(found, labelSet);
}

/** The label that all of an answer's JSON agrees on: a model may quote an example before it decides, and which is which is a guess. */
function onlyOne(candidates: readonly ParsedAnswer[], text: string): ParsedAnswer {
  const [first, ...others] = candidates;
  const agree = first !== undefined && others.every((other) => JSON.stringify(other) === JSON.stringify(first));
  return agree ? first : rejected('unparseable', `several answers: ${text}`);
}

/** From the names that an answer's JSON holds; null: it holds something that is no name. */
function named(names: readonly string[] | null, labelSet: LabelSet): ParsedAnswer {
  if (names === null) return rejected('unparseable', 'the JSON holds no label');
  const labels: string[] = [];
  for (const name of names) {
    const label = findLabel(name, labelSet);
    if (label === null) return rejected('unknown_label', name);
    labels.push(label);
  }
  return inOrder(labels, labelSet);
}

function inOrder(labels: readonly string[], labelSet: LabelSet): ParsedAnswer {
  const chosen = labelSet.names.filter((name) => labels.includes(name));
  if (labelSet.kind === 'single' && chosen.length !== 1) return rejected('unparseable', `${chosen.length} labels: ${chosen.join(', ')}`);
  return { ok: true, labels: chosen };
}

function rejected(reason: RejectionReason, said: string): ParsedAnswer {
  return { ok: false, reason, detail: said.slice(0, maxDetailCharacters).toWellFormed() };
}

/** Without what reasoning models think aloud in front of their answer; nothing is left of thoughts that were cut off. */
function withoutReasoning(content: string): string {
  const end = content.lastIndexOf('</think>');
  if (end >= 0) return content.slice(end + '</think>'.length);
  return content.trimStart().startsWith('<think>') ? '' : content;
}
