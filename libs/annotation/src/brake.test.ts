import type { RejectionReason } from '@llambert/domain';
import { anAnnotation, aRejection } from '@llambert/testing';
import { describe, expect, it } from 'vitest';
import { brake } from './brake.ts';

const heard = (...answers: { usable?: number; useless?: number; reason?: RejectionReason; cached?: boolean }[]) => {
  const { heard: hear, check } = brake();
  for (const { usable = 0, useless = 0, reason = 'unparseable', cached = false } of answers) {
    for (let index = 0; index < usable; index++) hear(anAnnotation({ cached }));
    for (let index = 0; index < useless; index++) hear(aRejection({ reason, cached, detail: 'said by the teacher' }));
  }
  return check;
};

describe('the brake', () => {
  it('stops after twenty answers of which none can be used, and counts the reasons', () => {
    expect(heard({ useless: 19 })).not.toThrow();
    const check = heard({ useless: 12 }, { useless: 8, reason: 'unknown_label' });
    expect(check).toThrow("none of the teacher's first 20 answers could be used (unparseable: 12, unknown label: 8)");
    expect(check).toThrow(expect.objectContaining({ code: 'teacher_unusable', message: expect.not.stringContaining('said by') }));
  });

  it('stops where nearly none can be used', () => {
    expect(heard({ usable: 4 }, { useless: 95 })).not.toThrow();
    expect(heard({ usable: 4 }, { useless: 96 })).toThrow('only 4 of');
    expect(heard({ usable: 5 }, { useless: 95 })).not.toThrow();
  });

  it('takes a label from the cache for one, and no rejection from there', () => {
    expect(heard({ usable: 1, cached: true }, { useless: 30 })).not.toThrow();
    expect(heard({ useless: 30, cached: true })).not.toThrow();
  });

  it.each(['budget_exhausted', 'too_long', 'outcome_unknown'] as const)('does not mind %s', (reason) => {
    expect(heard({ useless: 30, reason })).not.toThrow();
  });
});
