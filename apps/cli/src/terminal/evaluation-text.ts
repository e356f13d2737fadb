import type { Evaluation } from '@llambert/domain';

/** An evaluation in two lines: how often labels are right, and how far their probabilities can be taken at their word. */
export function evaluationText(evaluation: Evaluation): string[] {
  const { lower, upper } = evaluation.accuracyInterval;
  const what = evaluation.reference === 'human' ? 'accuracy against people' : 'agreement with the teacher';
  return [
    `${what} ${percent(evaluation.accuracy)} (95 % interval ${percent(lower)} to ${percent(upper)}, ${evaluation.documents.toLocaleString('en-US')} documents, ${evaluation.on})`,
    `${' '.repeat(what.length)} calibration error ${percent(evaluation.expectedCalibrationError)}, Brier score ${evaluation.brierScore.toFixed(3)}`,
  ];
}

/** The reliability diagram as a table: of the documents whose label is about so probable, how many have the right one. Empty bins are left out. */
export function reliabilityText({ reliability }: Evaluation): string[] {
  if (reliability === undefined) return ['  the version that trained this model kept no reliability diagram'];
  return [
    '  probability        documents  on average  right',
    ...reliability
      .filter(({ count }) => count > 0)
      .map(({ lower, upper, count, meanConfidence, accuracy }) =>
        [
          `  ${percent(lower).padStart(7)} – ${percent(upper).padEnd(7)}`,
          String(count).padEnd(9),
          percent(meanConfidence!).padEnd(10),
          percent(accuracy!),
        ].join('  '),
      ),
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
