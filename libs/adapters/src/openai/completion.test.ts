import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCompletion } from './completion.ts';

const completion = (message: unknown, rest: Record<string, unknown> = {}, choice: Record<string, unknown> = {}) => ({
  model: 'm',
  choices: [{ message, finish_reason: 'stop', ...choice }],
  ...rest,
});

describe('readCompletion', () => {
  it('reads content in parts without the thinking', () => {
    const content = [
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: '{"label":' },
      { type: 'text', text: '"a"}' },
    ];
    expect(readCompletion(completion({ content }))?.content).toBe('{"label":"a"}');
  });

  it('reads refusals and filters', () => {
    expect(readCompletion(completion({ content: null, refusal: 'I will not' }))).toMatchObject({ content: '', refusal: 'I will not' });
    expect(readCompletion(completion({ content: '' }, {}, { finish_reason: 'content_filter' }))).toMatchObject({
      finish: 'content_filter',
    });
    expect(readCompletion(completion({ content: [{ type: 'refusal', refusal: 'no' }] }))?.refusal).toBe('no');
  });

  it.each([
    [
      { prompt_tokens: 10, completion_tokens: 3 },
      { input: 10, output: 3 },
    ],
    [
      { prompt_tokens: 10, completion_tokens: 3, total_tokens: 200 },
      { input: 10, output: 190 },
    ],
    [{ prompt_tokens: 0, completion_tokens: 0 }, null],
    [{ prompt_tokens: 10, completion_tokens: 0 }, null],
    [{ prompt_tokens: 10 }, null],
    [{ prompt_tokens: -1, completion_tokens: 3 }, null],
    [{ prompt_tokens: '10', completion_tokens: 3 }, null],
    [null, null],
  ])('usage %j is %j', (usage, expected) => {
    expect(readCompletion(completion({ content: 'a' }, { usage }))?.usage).toEqual(expected);
  });

  it('joins the tokens of one character', () => {
    const [first, second, third] = Buffer.from('否');
    const content = [
      { token: '"', logprob: -0.1, bytes: [34], top_logprobs: [{ token: '"', logprob: -0.1, bytes: [34] }] },
      { token: '\\xe5\\x90', logprob: -0.2, bytes: [first, second], top_logprobs: [] },
      { token: '\\xa6', logprob: -0.3, bytes: [third], top_logprobs: [] },
    ];
    expect(readCompletion(completion({ content: '"否' }, {}, { logprobs: { content } }))?.tokens).toEqual([
      { token: '"', logProbability: -0.1, alternatives: [{ token: '"', logProbability: -0.1 }] },
      { token: '否', logProbability: -0.5, alternatives: [] },
    ]);
  });

  it('believes in no log-probability where one is missing', () => {
    const content = [{ token: 'a', logprob: -0.1 }, { token: 'b' }];
    expect(readCompletion(completion({ content: 'ab' }, {}, { logprobs: { content } }))?.tokens).toBeNull();
  });

  it('takes any JSON without throwing', () => {
    const anything = fc.jsonValue();
    fc.assert(
      fc.property(anything, anything, anything, (content, logprobs, usage) => {
        readCompletion(content);
        readCompletion(completion({ content }, { usage }, { logprobs }));
        readCompletion(
          completion(
            { content: 'a' },
            {},
            { logprobs: { content: [logprobs, { token: content, logprob: -1, bytes: usage, top_logprobs: usage }] } },
          ),
        );
      }),
    );
  });
});
