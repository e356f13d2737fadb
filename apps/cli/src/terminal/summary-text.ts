import { relative } from 'node:path';
import type { Summary } from '@llambert/review';
import { runPaths } from '../run/run-folder.ts';
import { count } from './amounts.ts';
import { evaluationText } from './evaluation-text.ts';
import { routesText, studentText } from './outcome-text.ts';

/** The summary as a person reads it. */
export function printSummary(summary: Summary, folder: string, stream: { write(text: string): unknown }): void {
  const paths = runPaths(folder);
  const shown = (path: string) => relative(process.cwd(), path) || '.';
  const { documents, annotations, cost, model, doubted } = summary;
  const lines = [
    '',
    `${summary.task}: ${count(documents.labelled)} of ${count(documents.read)} documents labelled`,
    ...section('documents', [
      routesText(documents),
      Object.entries(documents.byLabel)
        .map(([label, labelled]) => `${label} ${count(labelled)}`)
        .join(', '),
    ]),
    ...section('teacher', [
      `${annotations.teacher}: ${count(annotations.labelled)} labels, ${count(annotations.rejected)} rejected${doubted === undefined || doubted.askedAgain === 0 ? '' : `; ${count(doubted.askedAgain)} asked again, ${count(doubted.changed)} of them changed`}`,
      `${cost.atMost ? 'at most ' : ''}$${money(cost.usd)} of $${cost.capUsd} for ${count(cost.calls)} calls${cost.teacherOnAllUsd === null ? '' : `; on every document it would have cost ${cost.teacherOnAllAtMost ? 'at most' : 'about'} $${money(cost.teacherOnAllUsd)}`}`,
    ]),
    ...(model === null
      ? []
      : section('student', [
          `${studentText(model)}${model.encoderShare === null ? '' : ` (the encoder has ${Math.round(100 * model.encoderShare)} % of the say)`}, model ${model.digest.slice(0, 12)}${model.pseudoLabelled === null ? '' : `, with ${count(model.pseudoLabelled)} pseudo-labelled documents`}`,
          ...model.students.map((student) => `tried: ${student}`),
          ...model.evaluations.flatMap(evaluationText),
          `auto from probability ${model.routing.threshold === null ? '– (nothing is automatic)' : model.routing.threshold.toFixed(3)}: ${model.routing.certified ? model.routing.explanation : 'uncertified, see the note'}`,
        ])),
    ...section('speed', [
      `${summary.documentsPerSecond === null ? '' : `${count(Math.round(summary.documentsPerSecond))} documents a second; `}${summary.seconds.total.toFixed(1)} s in all`,
    ]),
    ...summary.warnings.map((warning) => `  note       ${warning}`),
    '',
    ...section('files', [
      ...(model === null ? [] : [`${shown(paths.labels)}  the labels`, `${shown(paths.model)}  the model`]),
      `${shown(paths.annotations)}  what the teacher said`,
      ...(doubted === undefined || doubted.listed === 0
        ? []
        : [
            `${shown(paths.doubted)}  labels that are likely wrong: llambert gold <task.yaml> --doubted ${shown(paths.folder)} --out <file>`,
          ]),
      ...(documents.deadLetters > 0 ? [`${shown(paths.deadLetters)}  what could not be used`] : []),
      `${shown(paths.summary)}  this, for machines`,
    ]),
    '',
  ];
  stream.write(`${lines.join('\n')}\n`);
}

function section(name: string, lines: readonly string[]): string[] {
  return lines.filter((line) => line !== '').map((line, index) => `  ${(index === 0 ? name : '').padEnd(10)} ${line}`);
}

function money(usd: number): string {
  return usd < 10 ? usd.toFixed(4) : usd.toFixed(2);
}
