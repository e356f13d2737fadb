import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { customerMessageRules, type StandinTeacher, startStandinTeacher } from '@llambert/tool-standin-teacher';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { llambert } from '../command-line.fixture.ts';
import { hasPseudoTerminal, keys, startInTerminal, type TerminalSession } from '../pseudo-terminal.fixture.ts';

let folder: string;
let teacher: StandinTeacher;
const sessions: TerminalSession[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-interactive-'));
  teacher = await startStandinTeacher({ annotator: customerMessageRules });
  const rows = Array.from(
    { length: 30 },
    (_, index) => `${index},Where is my parcel number ${index}?,${index % 2 === 0 ? 'delivery' : 'refund'}`,
  );
  writeFileSync(at('mine.csv'), `id,message,topic\n${rows.join('\n')}\n`);
});
afterEach(async () => {
  for (const session of sessions.splice(0)) session.kill();
  await teacher.close();
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);
const user = (...args: string[]) => llambert(args, { cwd: folder });
const atTerminal = (...args: string[]) => {
  const session = startInTerminal(args, { cwd: folder });
  sessions.push(session);
  return session;
};
const goldLines = () =>
  readFileSync(at('gold.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

function writeTask(kind = 'single'): void {
  writeFileSync(
    at('task.yaml'),
    `task: mine\ndescription: What is wanted?\nkind: ${kind}\nlabels: [delivery, refund]\nteacher: {model: standin-rules, baseUrl: ${teacher.baseUrl}}\n`,
  );
}

const inTerminal = describe.skipIf(!hasPseudoTerminal);
if (!hasPseudoTerminal) console.warn('SKIPPED: the tests in a terminal need python3 with its module pty');

inTerminal('init in a terminal', () => {
  const flags = () => ['init', '--input', 'mine.csv', '--base-url', teacher.baseUrl, '--price-input', '1', '--price-output', '2'];

  it('asks for what the flags do not say, shows ten answers with their price, and only then writes', async () => {
    const session = atTerminal(...flags());
    await session.see('Which column holds the text?');
    session.press(keys.enter);
    await session.see('What should the labels say');
    session.press(`What is wanted?${keys.enter}`);
    await session.see('Which labels?');
    await session.see('topic');
    session.press(keys.enter);
    await session.see('How many of them');
    session.press(keys.enter);
    await session.see('Which model?');
    session.press(keys.enter);
    await session.see('The most that the teacher may cost');
    session.press(`2.5${keys.enter}`);
    await session.see('10. Where is my parcel');
    await session.see('10 documents: $');
    await session.see('Write task.yaml?');
    expect(existsSync(at('task.yaml'))).toBe(false);
    expect(teacher.ledger().billed.calls).toBe(10);
    session.press(`y${keys.enter}`);
    const { code, screen } = await session.ended;
    expect({ code, screen }).toMatchObject({ code: 0 });
    const task = readFileSync(at('task.yaml'), 'utf8');
    expect(task).toContain('usd: 2.5');
    expect(task).toContain('model: standin-rules');
    expect(task).toMatch(/delivery: ""\n\s+refund: ""/);
    expect((await user('doctor', 'task.yaml')).code).toBe(0);
  });

  it('is stopped by Ctrl-C: exit code 130, no stack, nothing written, nothing spent', async () => {
    const session = atTerminal(...flags());
    await session.see('Which column holds the text?');
    session.press(keys.ctrlC);
    const { code, screen } = await session.ended;
    expect(code).toBe(130);
    expect(screen).not.toMatch(/\n\s+at /);
    expect(existsSync(at('task.yaml'))).toBe(false);
    expect(teacher.ledger().billed.calls).toBe(0);
  });
});

inTerminal('gold in a terminal', () => {
  const gold = () => atTerminal('gold', 'task.yaml', '--input', 'mine.csv', '--out', 'gold.jsonl', '--count', '5');

  it('writes every label at once, takes back, puts off, stops, and goes on where it was', async () => {
    writeTask();
    const session = gold();
    await session.see('1 of 5');
    session.press('1');
    await session.see('2 of 5');
    expect(goldLines()).toEqual([{ id: expect.any(String), label: 'delivery', sampled: 'uniform' }]);
    session.press('2');
    await session.see('3 of 5');
    session.press('u');
    await session.see('2 of 5');
    expect(goldLines()).toHaveLength(1);
    session.press('1');
    await session.see('3 of 5');
    session.press('q');
    expect((await session.ended).code).toBe(0);

    const again = gold();
    await again.see('3 of 5');
    again.press('s');
    await again.see('put off');
    await again.see('3 of 5');
    again.press('1');
    await again.see('4 of 5');
    again.press('1');
    await again.see('5 of 5');
    again.press('2');
    const { code, screen } = await again.ended;
    expect({ code, screen }).toMatchObject({ code: 0 });
    expect(new Set(goldLines().map((line) => line.id)).size).toBe(5);
    expect(screen).toContain('5 labels in gold.jsonl');
    expect(teacher.ledger().billed.calls).toBe(0);
  });

  it('loses nothing to a kill, and keeps what was labelled at Ctrl-C', async () => {
    writeTask('multi');
    const session = gold();
    await session.see('1 of 5');
    session.press('12');
    await session.see('delivery, refund');
    session.press(keys.enter);
    await session.see('2 of 5');
    session.kill();
    await session.ended;
    expect(goldLines()).toEqual([{ id: expect.any(String), labels: ['delivery', 'refund'], sampled: 'uniform' }]);
    const again = gold();
    await again.see('2 of 5');
    again.press(keys.enter);
    await again.see('3 of 5');
    again.press(keys.ctrlC);
    const { code, screen } = await again.ended;
    expect(code).toBe(130);
    expect(screen).not.toMatch(/\n\s+at /);
    expect(goldLines().map((line) => line.labels)).toEqual([['delivery', 'refund'], []]);
  });
});

inTerminal('gold of what a run doubts', () => {
  const gold = () => atTerminal('gold', 'task.yaml', '--doubted', 'run', '--out', 'gold.jsonl');
  const doubt = (id: string, more = {}) => ({
    id,
    text: `text of ${id}`,
    label: 'delivery',
    suggested: 'refund',
    probability: 0.9,
    ...more,
  });

  it('shows the documents in their order and nothing that anybody said of them, and marks the labels as chosen', async () => {
    writeTask();
    mkdirSync(at('run'));
    const rows = [doubt('b'), doubt('a', { textPair: 'the second' }), doubt('c')];
    writeFileSync(at('run/doubted.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const session = gold();
    await session.see('1 of 3');
    session.press('2');
    await session.see('2 of 3');
    await session.see('the second');
    session.press('q');
    const { code, screen } = await session.ended;
    expect({ code, screen }).toMatchObject({ code: 0 });
    expect(screen.indexOf('text of b')).toBeLessThan(screen.indexOf('text of a'));
    expect(screen).not.toMatch(/0\.9|suggest/);
    expect(screen).toContain('(1 new; 0 of them will certify, the others train)');
    const again = gold();
    await again.see('2 of 3');
    again.press('1');
    await again.see('3 of 3');
    again.press('1');
    expect((await again.ended).code).toBe(0);
    expect(goldLines()).toEqual([
      { id: 'b', label: 'refund', sampled: 'chosen' },
      { id: 'a', label: 'delivery', sampled: 'chosen' },
      { id: 'c', label: 'delivery', sampled: 'chosen' },
    ]);
  });
});

describe('without a terminal', () => {
  const all = () => [
    'init',
    '--labels',
    'delivery,refund',
    '--description',
    'What?',
    '--base-url',
    teacher.baseUrl,
    '--model',
    'standin-rules',
    '--yes',
  ];

  it('init lists the flags that are missing', async () => {
    const { code, stderr } = await user('init', '--input', 'mine.csv', '--labels', 'a,b');
    expect(code).toBe(2);
    for (const flag of ['--description', '--base-url', '--model', '--yes']) expect(stderr).toContain(flag);
    expect(stderr).not.toContain('--labels');
  });

  it('init writes the task and says as one object what it tried', async () => {
    const { code, stdout } = await user(...all(), '--input', 'mine.csv', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ file: 'task.yaml', task: 'mine', trial: { usd: 0 } });
    expect(JSON.parse(stdout).trial.documents).toHaveLength(10);
  });

  it('init claims no success where no answer could be used', async () => {
    await teacher.close();
    teacher = await startStandinTeacher({ annotator: customerMessageRules, faults: { refusal: { probability: 1 } } });
    const { code, stderr } = await user(...all(), '--input', 'mine.csv');
    expect(code).toBe(2);
    expect(stderr).toContain('none of the 10 answers could be used (refused: 10)');
    expect(existsSync(at('task.yaml'))).toBe(true);
  });

  it('init writes nothing where the teacher is down, unless it is not to be tried', async () => {
    const flags = [...all(), '--input', 'mine.csv'];
    await teacher.close();
    const down = await user(...flags);
    expect(down).toMatchObject({ code: 4 });
    expect(down.stderr).toContain('--no-try');
    expect(existsSync(at('task.yaml'))).toBe(false);
    expect((await user(...flags, '--no-try')).code).toBe(0);
    expect(existsSync(at('task.yaml'))).toBe(true);
  });

  it('init leaves a file that is there alone, unless forced', async () => {
    writeFileSync(at('task.yaml'), 'mine\n');
    expect((await user(...all())).code).toBe(2);
    expect(readFileSync(at('task.yaml'), 'utf8')).toBe('mine\n');
    expect((await user(...all(), '--force')).code).toBe(0);
    expect(readFileSync(at('task.yaml'), 'utf8')).toContain('task: my-task');
  });

  it('gold says that it needs one', async () => {
    writeTask();
    const { code, stderr } = await user('gold', 'task.yaml', '--input', 'mine.csv', '--out', 'gold.jsonl');
    expect(code).toBe(2);
    expect(stderr).toContain('terminal');
    expect(existsSync(at('gold.jsonl'))).toBe(false);
  });

  it('gold wants an input or a run', async () => {
    writeTask();
    for (const flags of [[], ['--input', 'mine.csv', '--doubted', 'run']]) {
      const { code, stderr } = await user('gold', 'task.yaml', '--out', 'gold.jsonl', ...flags);
      expect(code).toBe(2);
      expect(stderr).toContain('either --input FILE, to draw from, or --doubted DIR');
    }
  });

  it('estimate measures here and asks the teacher only when told to', async () => {
    writeTask();
    const { code, stdout } = await user('estimate', 'task.yaml', '--input', 'mine.csv', '--json');
    expect(code).toBe(0);
    const estimate = JSON.parse(stdout);
    expect(estimate).toMatchObject({ task: 'mine', documents: 30, measured: { teacher: null } });
    expect(estimate.measured.students).toHaveLength(2);
    expect(teacher.ledger().billed.calls).toBe(0);
    const asked = await user('estimate', 'task.yaml', '--input', 'mine.csv', '--ask', '3');
    expect(asked.code).toBe(0);
    expect(asked.stdout).toContain('the teacher on all');
    expect(teacher.ledger().billed.calls).toBe(3);
  });

  it('doctor tells what is set up wrongly from what is away', async () => {
    expect((await user('doctor', 'none.yaml')).code).toBe(2);
    writeTask();
    expect((await user('doctor', 'task.yaml')).code).toBe(0);
    await teacher.close();
    expect((await user('doctor', 'task.yaml')).code).toBe(4);
  });
});
