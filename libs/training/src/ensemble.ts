import { fitShare, pooledLogits, smoothed } from '@llambert/statistics';
import { type Lesson, leastHeldOut } from './lesson.ts';
import type { HeldOut, TrainedStudent } from './train-student.ts';

/** What each has where too few rows say more: the best share on four rows is as likely as not a whole student's, whichever it is. */
const equalShare = 0.5;

/**
 * Two students that decide together: their logits are pooled, the encoder's with the share that does best on the rows that neither learned
 * from, or half of it where these are few. An encoder and counted words err on different texts, so that together they are right more often than
 * either.
 */
export function pooledStudent(
  encoder: TrainedStudent,
  linear: TrainedStudent,
  { rows, labels }: Pick<Lesson, 'rows' | 'labels'>,
): TrainedStudent {
  const width = labels.names.length;
  const apart = new Set(linear.heldOut.rows);
  const common = encoder.heldOut.rows.filter((row) => apart.has(row));
  const [first, second] = [logitsOf(encoder.heldOut, common, width), logitsOf(linear.heldOut, common, width)];
  const targets = smoothed(
    common.flatMap((row) => rows[row]!.target),
    common.length,
    width,
    labels.kind,
  );
  const encoderShare = common.length < leastHeldOut ? equalShare : fitShare(first, second, targets, common.length, width, labels.kind);
  const { pseudoLabelled, ...facts } = linear.training;
  return {
    ...encoder,
    ensemble: { encoderShare },
    heldOut: {
      rows: common,
      logits: pooledLogits(first, second, encoderShare),
      // Of all rows in turn only where both are.
      on: encoder.heldOut.on === linear.heldOut.on ? encoder.heldOut.on : 'held-out',
      // The linear one learns from all rows once it was judged.
      learnedAfter: true,
    },
    scoredLogits: pooledLogits(encoder.scoredLogits, linear.scoredLogits, encoderShare),
    training: {
      ...encoder.training,
      ...Object.fromEntries(Object.entries(facts).map(([fact, value]) => [`linear student: ${fact}`, value])),
      ...(pseudoLabelled === undefined ? {} : { pseudoLabelled }),
    },
  };
}

/** The logits of some of the rows that were held out, row by row. */
export function logitsOf({ rows, logits }: HeldOut, wanted: readonly number[], width: number): Float32Array {
  const places = new Map(rows.map((row, place) => [row, place]));
  return Float32Array.from(wanted.flatMap((row) => [...logits.subarray(places.get(row)! * width, (places.get(row)! + 1) * width)]));
}
