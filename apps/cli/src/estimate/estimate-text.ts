import { count, dollars } from '../terminal/amounts.ts';
import { duration } from '../terminal/reporter.ts';
import type { Estimate } from './estimate.ts';

/** The estimate as a person reads it: a table, and what its figures rest on. */
export function estimateText(estimate: Estimate): string {
  const { tokens, measured, assumptions, annotations } = estimate;
  const { prompts, teacher, students } = measured;
  const table = [
    ['', 'documents', 'money', 'time', 'energy'],
    ...estimate.rows.map(({ by, way, documents, usd, seconds, kilowattHours }) => [
      way,
      count(documents),
      usd === null ? '–' : dollars(usd),
      seconds === null ? 'not measured' : by === 'people' ? hoursOfWork(seconds) : duration(seconds),
      kilowattHours === null ? '–' : energy(kilowattHours),
    ]),
  ];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map(
    (row) => `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('   ')}`,
  );
  const source =
    tokens.by === 'teacher'
      ? `as the teacher counted them on ${teacher!.asked} documents`
      : `by o200k_base on ${count(prompts.documents)} documents drawn uniformly; another model's tokenizer gives some more or fewer`;
  const limit = { annotations: 'as many as the task allows', usd: `what the cap pays for`, documents: 'all documents' }[annotations.limit];
  return [
    '',
    `${estimate.task}: ${count(estimate.documents)} documents`,
    '',
    ...lines,
    '',
    `  tokens     ${count(tokens.input)} in and ${count(tokens.output)} out a call, ${source}`,
    `  sample     ${count(annotations.count)} annotations: ${limit}`,
    ...(prompts.tooLong > 0
      ? [`  too long   ${(prompts.tooLong * 100).toFixed(1)} % of the documents: the task's maxPromptBytes keeps the teacher from them`]
      : []),
    teacher === null
      ? '  teacher    not asked, so its time is not known: --ask 20 asks it about 20 documents, and pays for them'
      : `  teacher    ${(teacher.asked / teacher.seconds).toFixed(1)} documents a second over ${teacher.asked} documents; asking cost ${teacher.usdAtMost ? 'at most ' : ''}${dollars(teacher.usd)}`,
    ...students.map(
      ({ student, documentsPerSecond, trainingSeconds, trainedOn, allRoundsSeconds }) =>
        `  student    ${student}: ${count(documentsPerSecond)} documents a second on one core (training on ${count(trainedOn)}: ${duration(trainingSeconds)}${allRoundsSeconds === undefined ? '' : `, all rounds together at most ${duration(allRoundsSeconds)}`})`,
    ),
    `  assumed    people: ${assumptions.personSecondsPerDocument} s a document at ${dollars(assumptions.personUsdPerHour)} an hour; students: ${assumptions.cores} cores, ${assumptions.wattsPerCore} W each`,
    '             students are measured with made-up labels: these figures say how fast, not how right. Reading files and what goes',
    '             to review by people come on top',
    '',
  ].join('\n');
}

/** People do not work around the clock: days would mislead. */
function hoursOfWork(seconds: number): string {
  return seconds < 36_000 ? `${(seconds / 3600).toFixed(1)} h of work` : `${count(seconds / 3600)} h of work`;
}

function energy(kilowattHours: number): string {
  const wattHours = kilowattHours * 1000;
  if (wattHours >= 1000) return `${kilowattHours.toFixed(1)} kWh`;
  return wattHours >= 1 ? `${wattHours.toFixed(1)} Wh` : `${Number(wattHours.toPrecision(2))} Wh`;
}
