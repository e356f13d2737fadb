import type { LabelSet } from '@llambert/domain';
import { findLabel } from './label-names.ts';
import { doubtful, isBareName, namesOf, type TextAnswer, withoutLabels } from './text-answer.ts';

/**
 * Words that announce the answer, wherever they stand in a line: "After reading it, the best answer is:", 「この文のラベルは」. Without an article
 * before it the noun must begin a clause, or "possible labels:" would announce an answer as well.
 */
const announcement = new RegExp(
  [
    String.raw`(?:(?<![\p{L}\p{N}])(?<article>(?:the|my|its)\s+)?(?:(?:final|only|correct|right|best|predicted|appropriate|suitable|applicable|relevant|fitting|matching|most|overall)\s+){0,4}`,
    '(?:labels?|answers?|categor(?:y|ies)|class(?:es|ification)?|topics?|tags?|result|output|etikett|étiquettes?|etiquetas?)',
    String.raw`(?:\s+(?:that|which)\s+(?:appl(?:y|ies)|fits?|match(?:es)?))?(?:\s+(?:to|for|of)\s+(?:this|the)\s+(?:text|document|message|review|passage|input))?`,
    '|(?<unspaced>ラベル|回答|答え|分類|标签|標籤|答案))',
    String.raw`[\s"'\x60*_]*(?:\bis\b|\bare\b|\bwould be\b|\bshould be\b|は|[:=])[\s:]*`,
  ].join(''),
  'giu',
);

/** Beginnings of sentences that tell of another answer than the one to this document. */
const elsewhere =
  /\b(?:examples?|sample|e\.g|other|another|different|previous|earlier|wrong|incorrect|mistaken|exclud\w*|reject\w*|might|may|could|would(?! say)|nobody|no one|someone|suppose|imagine|assum\w*|available|possible|candidates?|format|options)\b|\ball\s+(?:of\s+)?$/iu;

const reconsiders = /\b(?:wait|actually|correction|on second thoughts?|scratch that|instead|i mean)\b/iu;

const none =
  /^[^\p{L}\p{N}]*(?:none(?:\s+of\s+(?:them|(?:the|these|those)(?:\s+above)?(?:\s+(?:labels|categories|options|topics|tags))?))?(?:\s+(?:apply|applies|fits?|match(?:es)?))?|no\s+(?:labels?|categor(?:y|ies))(?:\s+(?:apply|applies|fits?|match(?:es)?))?|(?:ラベル|該当)?なし)(?:です)?[^\p{L}\p{N}]*$/iu;

/**
 * The labels of an answer to a `multi` question that is no JSON: a list and nothing else, or the list that a sentence announces. A sentence
 * that merely names labels is unclear, for an explanation names those that were not chosen as well.
 */
export function labelsInList(text: string, labelSet: LabelSet): TextAnswer {
  const bare = listed(text, labelSet);
  if (Array.isArray(bare)) return bare;
  const lines = text.split('\n');
  const answers = lines.flatMap((line, index) => announcedIn(line, lines.slice(index + 1), labelSet));
  const [first, ...others] = answers;
  if (first === undefined) return bare;
  // Said twice is said once; said differently is a guess.
  return others.every((other) => sameAnswer(other, first)) ? first : 'unclear';
}

/** What a line announces: an answer, or `unclear`; empty where it announces nothing. */
function announcedIn(line: string, after: readonly string[], labelSet: LabelSet): TextAnswer[] {
  for (const match of line.matchAll(announcement)) {
    const { article, unspaced } = match.groups ?? {};
    const lead = line.slice(0, match.index);
    const beginsClause = /(?:^|[\p{P}\p{S}])\s*$/u.test(lead);
    if (article === undefined && unspaced === undefined && !beginsClause) continue;
    const said = line.slice(match.index + match[0].length);
    const isAsserted = !doubtful.test(withoutLabels(lead, labelSet)) && !elsewhere.test(lead);
    return [isAsserted ? announced(said, after, labelSet) : 'unclear'];
  }
  return [];
}

/** The list after an announcement: the rest of its line, the line's first sentence, or the lines below it up to an empty one. */
function announced(said: string, after: readonly string[], labelSet: LabelSet): TextAnswer {
  if (/[\p{L}\p{N}]/u.test(said)) {
    const whole = listed(said, labelSet);
    if (whole === 'unknown') return whole;
    if (whole !== 'unclear') return unlessTakenBack(whole, after.join('\n'), labelSet);
    const end = /[.!。！](?:[\s*_"'”」)]+|$)/u.exec(said);
    const sentence = end === null ? 'unclear' : listed(said.slice(0, end.index), labelSet);
    if (end === null || typeof sentence === 'string') return 'unclear';
    const rest = said.slice(end.index + end[0].length);
    const isExplained = namesOf(rest, labelSet).size === 0 && (sentence.length === 0 || !doubtful.test(rest));
    return isExplained ? unlessTakenBack(sentence, [rest, ...after].join('\n'), labelSet) : 'unclear';
  }
  const below = after.slice(after.findIndex((line) => line.trim() !== ''));
  const end = below.findIndex((line) => line.trim() === '');
  const items = end < 0 ? below : below.slice(0, end);
  const labels = listed(items.join('\n'), labelSet);
  return typeof labels === 'string' ? labels : unlessTakenBack(labels, below.slice(items.length).join('\n'), labelSet);
}

/** All labels, followed by talk of some, are the question said again; and what comes after an answer can take it back. */
function unlessTakenBack(labels: readonly string[], after: string, labelSet: LabelSet): TextAnswer {
  const isQuestion = labelSet.names.length > 2 && new Set(labels).size === labelSet.names.length && namesOf(after, labelSet).size > 0;
  return isQuestion || reconsiders.test(after) ? 'unclear' : labels;
}

function listed(text: string, labelSet: LabelSet): TextAnswer {
  const items = text.split(/[\n,;、|]/u).filter((item) => /[^\s*_.]/u.test(item));
  const labels = items.flatMap((item) => labelsOf(item, labelSet));
  if (items.length > 0 && labels.every((label) => label !== null)) {
    return doubtful.test(withoutLabels(text, labelSet).replace(/\b(?:and|und|et|y)\b/giu, '')) ? 'unclear' : labels;
  }
  if (none.test(text)) return [];
  return namesOf(text, labelSet).size === 0 && items.every(isBareName) ? 'unknown' : 'unclear';
}

/** The label of an item, or those of "a and b"; null for one that is none. */
function labelsOf(item: string, labelSet: LabelSet): (string | null)[] {
  const plain = item
    .replace(/^\s*(?:[-*•]|\d+[.)])\s+/u, '')
    .replace(/^\s*(?:and|&)\s+/iu, '')
    .replace(/(?:です|である|となります|になります)(?=[^\p{L}\p{N}]*$)/u, '');
  const label = findLabel(plain, labelSet);
  if (label !== null) return [label];
  const parts = plain.split(/\s+(?:and|&)\s+/iu);
  return parts.length === 1 ? [null] : parts.map((part) => findLabel(part, labelSet));
}

function sameAnswer(left: TextAnswer, right: TextAnswer): boolean {
  if (typeof left === 'string' || typeof right === 'string') return left === right;
  return [...new Set(left)].sort().join('\n') === [...new Set(right)].sort().join('\n');
}
