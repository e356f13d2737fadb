import type { TeacherFailure } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { patience } from './patience.ts';

const away: TeacherFailure = { kind: 'overloaded', charged: 'no', retryAfterMs: null, detail: 'HTTP 503' };

function patient(seconds: number) {
  let time = 0;
  let ended: unknown = null;
  const notices: string[] = [];
  const trouble = patience(seconds, { notice: (message) => notices.push(message) }, () => time);
  trouble.exhausted.catch((error: unknown) => {
    ended = error;
  });
  return {
    ...trouble,
    notices,
    /** What it ended with, after this many seconds. */
    async after(passed: number): Promise<unknown> {
      time += passed * 1000;
      trouble.look();
      await Promise.resolve();
      return ended;
    },
  };
}

describe('patience', () => {
  it('ends when the teacher has not answered for long enough, and says why', async () => {
    const { onOutcome, after } = patient(120);
    onOutcome(away);
    expect(await after(120)).toBeNull();
    expect(await after(1)).toMatchObject({
      code: 'teacher_unreachable',
      message: expect.stringMatching(/120 s \(HTTP 503\).*same command/),
    });
  });

  it('begins anew with each answer, and counts from the first failure after it', async () => {
    const { onOutcome, after } = patient(120);
    onOutcome(away);
    await after(100);
    onOutcome(null);
    await after(100);
    onOutcome(away);
    await after(100);
    onOutcome(away);
    expect(await after(20)).toBeNull();
    expect(await after(1)).toMatchObject({ code: 'teacher_unreachable' });
  });

  it('does not run out where nothing has failed', async () => {
    expect(await patient(1).after(1000)).toBeNull();
  });

  it('says once in an absence when the run will stop', async () => {
    const { onOutcome, after, notices } = patient(120);
    onOutcome(away);
    await after(10);
    expect(notices).toEqual([]);
    await after(10);
    await after(10);
    expect(notices).toEqual([expect.stringContaining('the run stops after 120 s')]);
    onOutcome(null);
    onOutcome(away);
    await after(20);
    expect(notices).toHaveLength(2);
  });
});
