import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StudentKind } from '@llambert/domain';
import { aTask } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bestStudent, type TrainKind } from './best-student.ts';
import type { DatasetRow } from './dataset.ts';
import type { Lesson } from './lesson.ts';

const rows: DatasetRow[] = Array.from({ length: 40 }, (_, row) => ({
  documentId: `d${row}`,
  text: '',
  target: row % 2 === 0 ? [1, 0] : [0, 1],
  weight: 1,
  fold: row % 5,
  labelledBy: 'teacher',
}));

describe('the best student', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llambert-best-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const request = (encoder: Lesson['encoder']): Lesson => ({
    rows,
    pseudoLabelled: [],
    labels: { kind: 'single', names: ['a', 'b'] },
    settings: {
      ...aTask().settings.student,
      model: 'auto',
      encoder: encoder === null ? null : encoder === 'scratch' ? 'scratch:small' : 'hf:a/b',
      minutes: 10,
    },
    unlabelled: [],
    score: [],
    folder,
    encoder,
    stateFolder: folder,
    threads: 1,
  });

  /** Students that are wrong about every so manieth row; the fine-tuned one holds out the first fold alone. */
  const students = (wrongEvery: Readonly<Record<StudentKind, number>>, secondsLeft = 0) => {
    const asked: StudentKind[] = [];
    const train: TrainKind = async (kind, own, mayTake) => {
      asked.push(kind);
      mayTake(secondsLeft);
      await writeFile(join(own.folder, 'model'), kind);
      const heldOut = [...rows.keys()].filter((row) => kind !== 'fine-tuned' || rows[row]!.fold === 0);
      const logits = heldOut.flatMap((row, place) => {
        const sign = (row % 2 === 0) === (place % wrongEvery[kind] !== 0) ? 1 : -1;
        return [sign, -sign];
      });
      return {
        student: kind,
        baseModel: null,
        heldOut: {
          rows: heldOut,
          logits: Float32Array.from(logits),
          on: kind === 'fine-tuned' ? 'held-out' : 'out-of-fold',
          learnedAfter: kind !== 'fine-tuned',
        },
        scoredLogits: new Float32Array(),
        training: { of: kind },
      };
    };
    return { asked, train };
  };

  /** The best of students that give these logits for 400 rows, of which even ones have the first label. */
  const bestOfMany = (logitsOf: (kind: StudentKind, row: number) => readonly number[]) => {
    const many = Array.from({ length: 400 }, (_, row) => ({ ...rows[row % 40]!, documentId: `m${row}` }));
    const train: TrainKind = async (kind, own) => {
      await writeFile(join(own.folder, 'model'), kind);
      const logits = Float32Array.from(many.flatMap((_, row) => logitsOf(kind, row)));
      const heldOut = { rows: [...many.keys()], logits, on: 'out-of-fold', learnedAfter: true } as const;
      return { student: kind, baseModel: null, heldOut, scoredLogits: new Float32Array(), training: {} };
    };
    return bestStudent({ ...request({ folder: 'encoder', name: 'hf:a/b' }), rows: many }, train);
  };

  it('is the one with the best score on what none of them learned from; its files stay, the others go', async () => {
    const { asked, train } = students({ linear: 2, frozen: 8, 'fine-tuned': 4 });
    const best = await bestStudent(request({ folder: 'encoder', name: 'hf:a/b' }), train);
    expect(asked).toEqual(['linear', 'frozen', 'fine-tuned']);
    expect(best.student).toBe('frozen');
    expect(await readdir(folder)).toEqual(['model']);
    expect(await readFile(join(folder, 'model'), 'utf8')).toBe('frozen');
    expect(best.training).toMatchObject({
      of: 'frozen',
      students: expect.stringMatching(/^linear: .*; frozen: .* of 8 held-out labels.*; fine-tuned: /),
    });
  });

  it.each([
    [3, 2, 'linear'],
    [20, 2, 'frozen'],
  ] as const)('is the cheaper one where the dearer one is right %i times more and %i times less: %s', async (more, less, wanted) => {
    const isWrong = (kind: StudentKind, row: number) => {
      if (kind === 'fine-tuned') return row % 2 === 0;
      if (kind === 'linear') return row < 40;
      return row >= more && row < 40 + less;
    };
    const best = await bestOfMany((kind, row) => ((row % 2 === 0) === isWrong(kind, row) ? [-1, 1] : [1, -1]));
    expect(best.student).toBe(wanted);
  });

  it('is judged by calibrated probabilities: what a student says of one label too often costs it nothing', async () => {
    // The linear one takes everything for the first label, though less so where it is the second; the others are wrong in every eighth.
    const best = await bestOfMany((kind, row) => {
      const first = row % 2 === 0;
      if (kind === 'linear') return first ? [3, -3] : [1, -1];
      return first === (row % 8 !== 0) ? [3, -3] : [-3, 3];
    });
    expect(best.student).toBe('linear');
    expect(best.training['students']).toMatch(/^linear: 100.0 % of 400 held-out labels/);
  });

  it('is not one that there was no time for, and says so', async () => {
    const { train } = students({ linear: 4, frozen: 8, 'fine-tuned': 2 }, 601);
    const best = await bestStudent(request({ folder: 'encoder', name: 'hf:a/b' }), train);
    expect(best.student).toBe('linear');
    expect(await readdir(folder)).toEqual(['model']);
    expect(best.training['students']).toContain('fine-tuned: given up, it would have taken 601 s more, beyond the 10 min');
  });

  it('is the linear one where there is no encoder, and never a frozen one with fresh weights', async () => {
    const alone = students({ linear: 4, frozen: 8, 'fine-tuned': 2 });
    await bestStudent(request(null), alone.train);
    expect(alone.asked).toEqual(['linear']);
    await rm(join(folder, 'model'));
    const fresh = students({ linear: 4, frozen: 8, 'fine-tuned': 2 });
    await bestStudent(request('scratch'), fresh.train);
    expect(fresh.asked).toEqual(['linear', 'fine-tuned']);
  });

  it('passes on what else goes wrong', async () => {
    const fails: TrainKind = async () => {
      throw new Error('broken');
    };
    await expect(bestStudent(request(null), fails)).rejects.toThrow('broken');
  });
});
