import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Annotator, type StandinOptions, type StandinTeacher, startStandinTeacher } from '@llambert/tool-standin-teacher';
import { llambert } from './command-line.fixture.ts';

export const colours = ['red', 'green', 'blue'];
const things = ['car', 'house', 'bird', 'shirt', 'door', 'pencil', 'lamp', 'boat'];

export interface ColourDocument {
  readonly id: string;
  readonly text: string;
  readonly colours: readonly string[];
}

/** Texts that name one to two colours among other words; the first colour is the single label. */
export function colourDocuments(count: number): ColourDocument[] {
  return Array.from({ length: count }, (_, index) => {
    const first = colours[index % 3]!;
    const second = index % 4 === 0 ? colours[(index + 1) % 3]! : null;
    const thing = (step: number) => things[(index * 7 + step) % things.length]!;
    const text = `the ${first} ${thing(0)} of number ${index}${second === null ? '' : ` and a ${second} ${thing(3)}`}, "as is"`;
    return { id: `doc-${index}`, text, colours: second === null ? [first] : [first, second].sort(byColour) };
  });
}

const byColour = (left: string, right: string) => colours.indexOf(left) - colours.indexOf(right);

/** A teacher that knows the colours by name. */
export const colourist: Annotator = {
  mode: 'rules',
  judge(document, question) {
    const all = colours
      .filter((colour) => document.text.includes(colour))
      .sort((left, right) => document.text.indexOf(left) - document.text.indexOf(right));
    const labels = question.kind === 'multi' ? all : all.slice(0, 1);
    if (labels.length === 0 && question.kind !== 'multi') return { kind: 'unusable' };
    return {
      kind: question.kind ?? 'single',
      labels,
      probabilities: new Map(colours.map((colour) => [colour, labels.includes(colour) ? 0.98 : 0.01])),
    };
  },
};

/** A folder with a task of colours and a teacher that knows them. */
export async function colourTask() {
  const folder = mkdtempSync(join(tmpdir(), 'llambert-colours-'));
  const started: StandinTeacher[] = [];
  const start = async (options: Partial<StandinOptions>): Promise<StandinTeacher> => {
    const server = await startStandinTeacher({ annotator: colourist, ...options });
    started.push(server);
    return server;
  };
  const teacher = await start({});
  const at = (name: string) => join(folder, name);
  return {
    folder,
    teacher,
    start,
    at,
    user: (args: readonly string[], input?: string) => llambert(args, { cwd: folder, ...(input === undefined ? {} : { input }) }),
    rowsIn: (name: string) =>
      readFileSync(at(name), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),

    writeTask(changes: string[] = [], settings: { teacher?: string; budget?: string } = {}): void {
      const lines = [
        'task: colours',
        'description: Which colour is the thing?',
        'labels: [red, green, blue]',
        `teacher: {model: standin, baseUrl: ${teacher.baseUrl}, price: {input: 1, output: 2}${settings.teacher ?? ''}}`,
        `budget: ${settings.budget ?? '{usd: 1, annotations: 120}'}`,
        ...changes,
      ];
      writeFileSync(at('task.yaml'), `${lines.join('\n')}\n`);
    },

    writeDocuments(documents: readonly ColourDocument[]): void {
      writeFileSync(at('documents.jsonl'), documents.map(({ id, text }) => `${JSON.stringify({ id, text, shelf: `s-${id}` })}\n`).join(''));
    },

    async stop(server: StandinTeacher): Promise<void> {
      started.splice(started.indexOf(server), 1);
      await server.close();
    },

    async close(): Promise<void> {
      await Promise.all(started.map((server) => server.close()));
      rmSync(folder, { recursive: true });
    },
  };
}

/** The arguments of a run in that folder. */
export const run = ['--json', 'run', 'task.yaml', '--input', 'documents.jsonl', '--out', 'run'];
