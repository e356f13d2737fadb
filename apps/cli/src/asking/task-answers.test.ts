import type { Document } from '@llambert/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelColumns } from './label-columns.ts';
import { expectFlags, splitLabels, taskNameOf } from './task-answers.ts';

describe('taskNameOf', () => {
  it('is a valid name of a task, whatever the file is called', () => {
    fc.assert(
      fc.property(fc.option(fc.string({ unit: 'binary', maxLength: 100 }), { nil: undefined }), (file) => {
        expect(taskNameOf(file)).toMatch(/^[a-z0-9][a-z0-9-]{0,62}$/);
      }),
    );
    expect(taskNameOf('data/Customer Messages.2024.jsonl.gz')).toBe('customer-messages-2024');
    expect(taskNameOf('-')).toBe('my-task');
    expect(taskNameOf('日本.csv')).toBe('my-task');
  });
});

describe('splitLabels', () => {
  it('takes blanks and empty names away', () => {
    expect(splitLabels(' good, not so good ,,bad ')).toEqual(['good', 'not so good', 'bad']);
  });
});

describe('expectFlags', () => {
  it('lists what is missing and nothing else', () => {
    expect(() => expectFlags({ labels: ['a', 'b'], model: 'm' })).toThrow(/--description[\s\S]*--base-url[\s\S]*--yes/);
    expect(() => expectFlags({ labels: ['a', 'b'], model: 'm', baseUrl: 'http://x/v1', description: 'd', yes: true })).not.toThrow();
  });
});

describe('labelColumns', () => {
  const document = (metadata: Record<string, string>): Document => ({ id: '', text: '', metadata });
  const fields = { id: null, text: 'text', textPair: null, label: 'mood' };

  it('finds the columns with few values that come again, the likeliest first', () => {
    const documents = Array.from({ length: 20 }, (_, index) =>
      document({ shop: index % 2 ? 'north' : 'south', mood: index % 3 ? 'good' : 'bad', number: String(index), list: '["a"]', fixed: 'x' }),
    );
    expect(labelColumns({ documents, fields })).toEqual([
      { column: 'mood', values: ['bad', 'good'] },
      { column: 'shop', values: ['north', 'south'] },
    ]);
  });

  it('finds none in documents without other columns', () => {
    expect(labelColumns({ documents: [document({}), document({})], fields })).toEqual([]);
  });
});
