import type { LabelSet } from '@llambert/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainName } from './label-names.ts';
import { parseAnswer } from './parse-answer.ts';

const single = (...names: string[]): LabelSet => ({ kind: 'single', names });
const multi = (...names: string[]): LabelSet => ({ kind: 'multi', names });
const mood = single('positive', 'negative', 'mixed feelings');
const spam = single('spam', 'not_spam');
const topics = multi('card', 'card_fee', 'top-up');
const japanese = single('肯定', '否定', 'どちらでもない');
const scale = single('-1', '0', '1');

function parse(content: string, labelSet: LabelSet, finish: 'stop' | 'length' | 'content_filter' | 'other' = 'stop') {
  const parsed = parseAnswer({ content, refusal: null, finish }, labelSet);
  return parsed.ok ? parsed.labels : parsed.reason;
}

describe('answers in JSON', () => {
  it.each([
    ['{"label": "positive"}', ['positive']],
    ['{"label": "Positive "}', ['positive']],
    ['{"label": ["positive"]}', ['positive']],
    ['{"label": "mixed_feelings", "why": "x"}', ['mixed feelings']],
    ['{"sentiment": "negative"}', ['negative']],
    ['{"Label": "negative",}', ['negative']],
    ['"negative"', ['negative']],
    ['```json\n{"label": "negative"}\n```', ['negative']],
    ['Here you are: {"label": "negative"} I hope it helps, positive or not.', ['negative']],
    ['{"thought": {"of": "a { bracket"}, "label": "negative"}', ['negative']],
    ['<think>positive? {"label":"positive"}</think>\n{"label":"negative"}', ['negative']],
    ['{"label":"negative"} {"label": "negative"}', ['negative']],
    ['{"label":"positive"} or {"label":"negative"}', 'unparseable'],
    ['{"label": ["positive", "negative"]}', 'unparseable'],
    ['{"label": null}', 'unparseable'],
    ['{"label": {}}', 'unparseable'],
    ['{"label": "neutral"}', 'unknown_label'],
    ['{}', 'unparseable'],
    ['<think>endless', 'unparseable'],
  ])('%s', (content, expected) => expect(parse(content, mood)).toEqual(expected));

  it.each([
    ['{"labels": ["top-up", "card"]}', ['card', 'top-up']],
    ['{"labels": ["card", "card"]}', ['card']],
    ['{"labels": []}', []],
    ['{"labels": "card"}', ['card']],
    ['["card fee"]', ['card_fee']],
    ['{"labels": ["card", "cash"]}', 'unknown_label'],
    ['{"labels": null}', 'unparseable'],
  ])('of several labels: %s', (content, expected) => expect(parse(content, topics)).toEqual(expected));

  it('takes numbers for names', () => expect(parse('{"label": -1}', scale)).toEqual(['-1']));
});

describe('answers in words', () => {
  it.each([
    ['positive', ['positive']],
    ['  "Positive".', ['positive']],
    ['**POSITIVE**', ['positive']],
    ['Label: positive', ['positive']],
    ['{"label": "positive"', ['positive']],
    ['The final answer is: **negative**.', ['negative']],
    ['I thought about it.\nAnswer: mixed-feelings', ['mixed feelings']],
    ['This review is clearly positive.', ['positive']],
    ['ｐｏｓｉｔｉｖｅ', ['positive']],
    ['positive\n\nThe writer does not complain at all.', ['positive']],
    ['The writer does not complain.\n\n**Positive**', ['positive']],
    ['Label: positive\nExplanation: it is not negative.', ['positive']],
    ["{'label': 'positive'}", ['positive']],
    ['**Label:** positive', ['positive']],
    ['Based on the text, the label is: positive', ['positive']],
    ['positive\nnegative', 'unparseable'],
    ['positive\nAnswer: negative', 'unparseable'],
    ['This review is not positive.', 'unparseable'],
    ["It isn't positive", 'unparseable'],
    ['Is it positive?', 'unparseable'],
    ['Maybe positive', 'unparseable'],
    ['positive or negative', 'unparseable'],
    ['positive, though the end is negative', 'unparseable'],
    ['Label: positive\nLabel: negative', 'unparseable'],
    ['It shows a positivity all over', 'unparseable'],
    ['neutral', 'unknown_label'],
    ['Label: neutral', 'unknown_label'],
    ['', 'unparseable'],
    ['I would say that the writer enjoyed the film very much.', 'unparseable'],
    ["I'm sorry, but I can't help with that.", 'refused'],
  ])('%j', (content, expected) => expect(parse(content, mood)).toEqual(expected));

  it.each([
    ['not spam', spam, ['not_spam']],
    ['This message is not_spam.', spam, ['not_spam']],
    ['This message is spam.', spam, ['spam']],
    ['This is spam, certainly not not_spam', spam, 'unparseable'],
    ['this is not spam', single('spam', 'ham'), 'unparseable'],
    ['antispam', spam, 'unknown_label'],
    ['肯定です。', japanese, ['肯定']],
    ['ラベル：否定', japanese, ['否定']],
    ['この文章は肯定的ではない。', japanese, 'unparseable'],
    ['この文章はどちらでもない。', japanese, ['どちらでもない']],
    ['申し訳ありませんが、お答えできません。', japanese, 'refused'],
    ['-1', scale, ['-1']],
    ['-1.', scale, ['-1']],
    ['Label: 1', scale, ['1']],
    ['-1', single('0', '1'), 'unparseable'],
    ['1', single('-1', '0'), 'unknown_label'],
    ['I give it a 1', single('0', '1'), 'unparseable'],
    ['C++', single('C', 'C++', 'C#'), ['C++']],
    ['C#.', single('C', 'C++', 'C#'), ['C#']],
    ['a_b', single('a b', 'a-b'), 'unparseable'],
    ['card, top up', topics, ['card', 'top-up']],
    ['- card\n- card_fee', topics, ['card', 'card_fee']],
    ['Labels: card and top-up', topics, ['card', 'top-up']],
    ['none', topics, []],
    ['card, cash', topics, 'unparseable'],
    ['cash', topics, 'unknown_label'],
    ['It is about a card, and not about a top-up', topics, 'unparseable'],
  ] as const)('%j among %j', (content, labelSet, expected) => {
    expect(parse(content, labelSet)).toEqual(expected);
  });
});

const hotel = multi('cleanliness', 'wi-fi', 'staff', 'breakfast');

describe('several labels in prose', () => {
  it.each([
    ['The best answer is: **CLEANLINESS**, **WI-FI**.', ['cleanliness', 'wi-fi']],
    ['After reading the review, the best answer is: **CLEANLINESS**, **WI-FI**.', ['cleanliness', 'wi-fi']],
    ['After reading the review, the best answer is: none.', []],
    ['I would say the labels are: cleanliness, wi-fi, and staff.', ['cleanliness', 'wi-fi', 'staff']],
    ['The labels that apply are cleanliness and wi-fi.', ['cleanliness', 'wi-fi']],
    ['Here are the labels:\n- cleanliness\n- wi-fi\n\nThe staff did well.', ['cleanliness', 'wi-fi']],
    ['I read it twice.\n\n**Answer:** staff', ['staff']],
    ['The answer is: staff. The rest is beside the point.', ['staff']],
    ['Although the wi-fi is mentioned, the answer is: staff.', ['staff']],
    ['Labels: staff, wi-fi\nSo the answer is: wi-fi and staff.', ['wi-fi', 'staff']],
    ['None of the labels apply.', []],
    ['このレビューのラベルは、staff、wi-fiです。', ['wi-fi', 'staff']],
    ['The answer is: spa', 'unknown_label'],
    ['The guest liked the staff and the wi-fi.', 'unparseable'],
    ['The possible labels are: cleanliness, wi-fi, staff, breakfast.', 'unparseable'],
    ['These are all the labels: cleanliness, wi-fi', 'unparseable'],
    ['The labels are: cleanliness, wi-fi, staff, breakfast. I choose staff.', 'unparseable'],
    ['The labels are: cleanliness, wi-fi, staff, breakfast.\nHere staff is meant.', 'unparseable'],
    ['The answer is: staff, but not wi-fi.', 'unparseable'],
    ['The answer is: staff or wi-fi.', 'unparseable'],
    ['The answer is: not staff.', 'unparseable'],
    ['The answer is: staff?', 'unparseable'],
    ['The answer is: staff. Wait, it is about the room.', 'unparseable'],
    ['The answer is: none. On reflection, staff.', 'unparseable'],
    ['For example, the answer is: staff', 'unparseable'],
    ['The labels are:\n- staff: never mentioned\n- wi-fi: slow', 'unparseable'],
    ['Answer: staff\nAnswer: wi-fi', 'unparseable'],
  ] as const)('%j', (content, expected) => expect(parse(content, hotel)).toEqual(expected));

  it('of a set that has a label "none" may mean it', () => {
    expect(parse('The answer is: none.', multi('none', 'some'))).toEqual(['none']);
  });
});

describe('answers that are none', () => {
  it('refusals and filters', () => {
    expect(parseAnswer({ content: '', refusal: 'I will not', finish: 'stop' }, mood)).toEqual({
      ok: false,
      reason: 'refused',
      detail: 'I will not',
    });
    expect(parse('{"label":"positive"}', mood, 'content_filter')).toBe('refused');
  });

  it('cut off, but for JSON that is whole', () => {
    expect(parse('{"label": "pos', mood, 'length')).toBe('cut_off');
    expect(parse('card', single('card', 'card_fee'), 'length')).toBe('cut_off');
    expect(parse('{"label": "positive"} because', mood, 'length')).toEqual(['positive']);
  });
});

const labelName = fc
  .oneof(fc.string({ minLength: 1, unit: 'grapheme' }), fc.stringMatching(/^[a-z]{1,12}(_[a-z]{1,8})?$/))
  .filter((name) => name.trim() === name && name !== '');
const labelSet = fc.record({
  kind: fc.constantFrom('single' as const, 'multi' as const),
  names: fc.uniqueArray(labelName, { minLength: 2, maxLength: 80 }),
});

describe('any answer', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc
      .array(
        fc.constantFrom('{', '}', '[', ']', '"', ',', ':', 'label', 'spam', 'not', '_', ' ', '\n', '\\', '```json', '<think>', '</think>'),
        { maxLength: 60 },
      )
      .map((parts) => parts.join('')),
    fc.json(),
  );

  it('gives labels of the set or a reason, and never throws', () => {
    fc.assert(
      fc.property(text, labelSet, fc.constantFrom('stop' as const, 'length' as const), (content, set, finish) => {
        const parsed = parseAnswer({ content, refusal: null, finish }, set);
        const labels = parsed.ok ? parsed.labels : [];
        expect(labels).toEqual(set.names.filter((name) => labels.includes(name)));
        if (parsed.ok && set.kind === 'single') expect(labels).toHaveLength(1);
        if (!parsed.ok) expect(parsed.detail.length).toBeLessThanOrEqual(200);
      }),
    );
  });

  it('that follows the form is understood for every set of labels, in whatever wrapping', () => {
    const wrappings: readonly ((json: string) => string)[] = [
      (json) => json,
      (json) => `\`\`\`json\n${json}\n\`\`\``,
      (json) => `Sure! Here is the answer:\n${json}\nAnything else?`,
      (json) => `<think>Let me see…</think>${json}`,
    ];
    fc.assert(
      fc.property(labelSet, fc.nat(), fc.nat(), fc.constantFrom(...wrappings), (set, first, second, wrap) => {
        const chosen = set.names.filter((_, index) => index === first % set.names.length || index === second % set.names.length);
        const labels = set.kind === 'single' ? chosen.slice(0, 1) : chosen;
        const json = JSON.stringify(set.kind === 'single' ? { label: labels[0] } : { labels });
        expect(parseAnswer({ content: wrap(json), refusal: null, finish: 'stop' }, set)).toEqual({ ok: true, labels });
      }),
    );
  });

  it('that is a label alone is that label, unless another is spelt like it', () => {
    fc.assert(
      fc.property(labelSet, fc.nat(), (set, index) => {
        const label = set.names[index % set.names.length] ?? '';
        expect(parseAnswer({ content: label, refusal: null, finish: 'stop' }, set)).toEqual({ ok: true, labels: [label] });
        const rivals = set.names.filter((name) => plainName(name) === plainName(label.toUpperCase()));
        const shouted = parseAnswer({ content: label.toUpperCase(), refusal: null, finish: 'stop' }, set);
        if (rivals.length > 1 && !set.names.includes(label.toUpperCase())) expect(shouted.ok && shouted.labels.length === 1).toBe(false);
      }),
    );
  });

  it('that denies a label never gives it', () => {
    const word = fc.stringMatching(/^[a-z]{4,12}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(word, { minLength: 2, maxLength: 10 }),
        fc.constantFrom('This is not LABEL.', "It isn't LABEL", 'LABEL? No.', 'Neither LABEL nor anything'),
        (names, sentence) => {
          const parsed = parseAnswer(
            { content: sentence.replace('LABEL', names[0] ?? ''), refusal: null, finish: 'stop' },
            { kind: 'single', names },
          );
          expect(parsed.ok && parsed.labels[0] === names[0]).toBe(false);
        },
      ),
    );
  });

  const word = fc.stringMatching(/^[b-df-hj-np-tv-z]{4,10}$/);
  const words = fc.uniqueArray(word, { minLength: 3, maxLength: 8 });

  it('that announces a list gives the labels of the list, and none that an explanation names', () => {
    const leads = ['', 'After reading it all, ', 'I would say ', 'OTHER is mentioned, but ', 'So, ', 'Sure! '];
    const ends = ['', '.', '. It says so itself.', '.\n\nOTHER is only mentioned.', '.\nIt is not about OTHER.'];
    const lists: readonly ((names: readonly string[]) => string)[] = [
      (names) => names.join(', '),
      (names) => names.map((name) => `**${name.toUpperCase()}**`).join(', '),
      (names) => names.join(' and '),
      (names) => names.join('; '),
    ];
    fc.assert(
      fc.property(
        words,
        fc.nat(),
        fc.constantFrom(...leads),
        fc.constantFrom('the labels are: ', 'the best answer is: ', 'the labels that apply are '),
        fc.constantFrom(...lists),
        fc.constantFrom(...ends),
        (names, bits, lead, announcing, list, end) => {
          const chosen = names.slice(0, -1).filter((_, index) => (bits >> index) & 1);
          const other = names.at(-1) ?? '';
          const said = chosen.length === 0 ? 'none' : list(chosen);
          const content = `${lead}${announcing}${said}${end}`.replace('OTHER', other);
          const parsed = parseAnswer({ content, refusal: null, finish: 'stop' }, { kind: 'multi', names });
          expect(parsed, content).toEqual({ ok: true, labels: chosen });
        },
      ),
    );
  });

  it('that denies, doubts or rules out never gives labels', () => {
    fc.assert(
      fc.property(
        words,
        fc.constantFrom(
          'The answer is: not A.',
          "I don't think the labels are: A, B.",
          'The labels are: A, but not B.',
          'The answer is: A or B',
          'Is the answer: A, B?',
          'The wrong labels are: A, B',
          'The labels that do not apply are: A, B',
          'Nobody would say that the answer is: A',
          'The available labels: A, B, C',
          'It is neither A nor B',
          'It is about A rather than B.',
          'The answer is: A. Actually, B.',
          'The answer is: A, B. No.',
          'If it were longer, the answer would be: A, B',
          'A is discussed, B is not.',
        ),
        (names, sentence) => {
          const content = sentence.replace(/\b[ABC]\b/g, (letter) => names['ABC'.indexOf(letter)] ?? '');
          const parsed = parseAnswer({ content, refusal: null, finish: 'stop' }, { kind: 'multi', names });
          expect(parsed.ok, content).toBe(false);
        },
      ),
    );
  });

  it('is read in time that grows with its length', () => {
    expect(parse('{"a":'.repeat(20_000), mood)).toBe('unparseable');
    expect(parse('['.repeat(100_000), mood)).toBe('unparseable');
    expect(parse('label '.repeat(20_000), mood)).toBe('unparseable');
    for (const part of ['label ', 'the ', 'the best ', 'labels: ', 'the answer is: ', '* ', 'card, '])
      expect(parse(`${part.repeat(10_000)}?`, topics)).toBe('unparseable');
  });
});
