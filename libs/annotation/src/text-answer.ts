import type { LabelSet } from '@llambert/domain';
import { findLabel, plainName } from './label-names.ts';

/** `unknown`: an answer in due form that names no label of the set; `unclear`: no answer can be told from the text. */
export type TextAnswer = readonly string[] | 'unknown' | 'unclear';

/** "Label: x", "The final answer is x", 「ラベルはx」. */
const introduced =
  /^[\W_]*(?:the |my |final |correct |best |predicted )*(?:labels?|answers?|categor(?:y|ies)|class(?:ification)?|result|output|ラベル|回答|答え|分類|标签|標籤|答案|etikett|étiquette|etiqueta)[\s"'`*]*(?:\bis\b|\bare\b|は|[:=])[\s:]*(?<name>\S.*)$/iu;

/**
 * The label that an answer to a `single` question names without JSON. A sentence counts where it names one label only and neither denies
 * nor doubts. The rest is unclear: a label that was guessed is worse than none.
 */
export function labelInText(text: string, labelSet: LabelSet): TextAnswer {
  const whole = findLabel(text, labelSet);
  if (whole !== null) return [whole];
  const plain = text.normalize('NFKC');
  const lines = plain
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const values = lines.flatMap((line) => introduced.exec(line)?.groups?.name ?? []);
  // A label in the first or last line, alone, with an explanation after or before it.
  const alone = [lines.at(0), lines.at(-1)].filter((line) => line !== undefined && findLabel(line, labelSet) !== null);
  const named = new Set([...values, ...alone].map((value) => findLabel(value ?? '', labelSet)));
  if (named.size === 1) {
    const [label] = named;
    if (typeof label === 'string') return [label];
  }
  const inSentence = onlyLabelNamed(plain, labelSet);
  if (inSentence !== null) return [inSentence];
  return namesOf(plain, labelSet).size === 0 && isBareName(values.length === 1 ? (values[0] ?? '') : plain) ? 'unknown' : 'unclear';
}

/** One to three words: a name, not a sentence. */
export function isBareName(text: string): boolean {
  return (
    text.length <= 64 && !/[\n?]/.test(text) && text.trim().split(/\s+/).length <= 3 && /[\p{L}\p{N}]/u.test(text) && !doubtful.test(text)
  );
}

/** Words of denial and doubt. */
export const doubtful =
  /\b(?:not|no|non|never|neither|nor|none|without|cannot|can't|hardly|rather than|instead of|opposite|maybe|perhaps|possibly|unclear|unsure|uncertain|ambiguous|either|or|unless|if|nicht|kein\w*|weder|ohne|vielleicht|pas|jamais|aucun\w*|peut-être|nunca|ni|tampoco|não|nem|нет|не|ни)\b|n['’]t\b|(?:^|\s)(?:не|ни|нет)(?=\s)|ない|ません|なく|ずに|かも|[不没沒非未無无]|아니|않|없|\?/iu;

/** The label of a sentence that names this one only, once or more, and no doubt or denial beside it. */
function onlyLabelNamed(text: string, labelSet: LabelSet): string | null {
  const names = namesOf(text, labelSet);
  const [label] = names;
  if (names.size !== 1 || label === undefined || plainName(label).length < shortestInSentence(label)) return null;
  return doubtful.test(withoutLabels(text, labelSet)) ? null : label;
}

/** Names like "a", "no" or "4" stand in sentences for other reasons; two characters of a script without letters are a word. */
function shortestInSentence(label: string): number {
  return /^[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}]+$/u.test(label) ? 2 : 3;
}

/** The labels that stand in a text as words of their own. */
export function namesOf(text: string, labelSet: LabelSet): ReadonlySet<string> {
  return masked(text, labelSet).names;
}

/** A text without the labels in it, whose own words neither deny nor doubt. */
export function withoutLabels(text: string, labelSet: LabelSet): string {
  return masked(text, labelSet).rest;
}

/**
 * The labels that stand in a text as words of their own, and the text without them. Long names are taken out first, so that `spam` is
 * not seen in `not_spam`. Scripts that write no spaces have no word boundaries; letters of another script end a word.
 */
function masked(text: string, labelSet: LabelSet): { names: ReadonlySet<string>; rest: string } {
  const names = new Set<string>();
  let rest = plainName(text);
  const longestFirst = labelSet.names.map((name) => ({ name, plain: plainName(name) })).sort((a, b) => b.plain.length - a.plain.length);
  for (const { plain } of longestFirst) {
    if (plain === '') continue;
    rest = rest.replace(asWord(plain), () => {
      for (const alike of longestFirst) if (alike.plain === plain) names.add(alike.name);
      return ' \u0000 ';
    });
  }
  return { names, rest };
}

const spacedLetter = '[[\\p{L}\\p{M}\\p{N}]--[\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Thai}\\p{sc=Hang}]]';

function asWord(plain: string): RegExp {
  const before = new RegExp(`^${spacedLetter}`, 'v').test(plain) ? `(?<!${spacedLetter})` : '';
  const after = new RegExp(`${spacedLetter}$`, 'v').test(plain) ? `(?!${spacedLetter})` : '';
  return new RegExp(`${before}${escaped(plain)}${after}`, 'gv');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Whether a text is a refusal in words, as models without a field for it write them. */
export function looksRefused(text: string): boolean {
  return /^\W*(?:i['’]?m (?:very )?sorry|i am sorry|sorry|i (?:cannot|can['’]?t|can not|will not|won['’]?t|must decline|am unable|am not able)|i['’]m (?:unable|not able)|as an ai|申し訳|お答えでき|很抱歉|抱歉|对不起|tut mir leid|es tut mir leid|je suis désolé|lo siento)/iu.test(
    text,
  );
}
