import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, extname, join, relative, resolve } from 'node:path';
import { customerMessageRules, startStandinTeacher } from '@llambert/tool-standin-teacher';

// What `npm start` does: the shipped example against the stand-in teacher, or, given a file, the way to labels of one's own.

const root = resolve(import.meta.dirname, '../../..');
/** Where people are who typed the command: npm runs scripts at the root. */
const here = process.env['INIT_CWD'] ?? process.cwd();
const example = { messages: 20_000, gold: 1000, seed: 1 };
const port = 8799;

const [file] = process.argv.slice(2);
process.exitCode = file === undefined ? await runExample() : await labelOwn(resolve(here, file));

async function runExample(): Promise<number> {
  const folder = join(root, 'llambert-quickstart');
  const out = join(folder, 'run');
  const shown = (path: string) => relative(here, path);
  mkdirSync(folder, { recursive: true });
  say(`Writing ${example.messages} synthetic customer messages into ${shown(folder)} …`);
  await node(join(root, 'examples/customer-messages/generate.ts'), [
    ...['--count', String(example.messages), '--gold', String(example.gold), '--seed', String(example.seed), '--out', folder],
  ]);
  const teacher = await startStandinTeacher({ annotator: customerMessageRules, port }).catch(() =>
    // Somebody else has the port: any other will do.
    startStandinTeacher({ annotator: customerMessageRules }),
  );
  try {
    const shipped = readFileSync(join(root, 'examples/customer-messages/task.yaml'), 'utf8');
    writeFileSync(join(folder, 'task.yaml'), shipped.replace(`http://127.0.0.1:${port}/v1`, teacher.baseUrl));
    say('The teacher is a stand-in made of rules: no language model, no key, no cost. The money below is what a real one would take.\n');
    const code = await llambert(['run', join(folder, 'task.yaml'), '--input', join(folder, 'messages.csv'), '--out', out]);
    if (code !== 0) return code;
  } finally {
    await teacher.close();
  }
  say('Next:');
  say(`  npx llambert export ${shown(out)} --format csv --out labelled.csv     the messages with their labels, for a spreadsheet`);
  say(
    `  npx llambert label --model ${shown(out)} --input ${shown(join(folder, 'messages.csv'))} --out again.jsonl     the model at work alone`,
  );
  say('  npm start -- mine.csv     your own texts, with a teacher of your own');
  return 0;
}

async function labelOwn(input: string): Promise<number> {
  if (!existsSync(input)) {
    say(`There is no file ${input}.`);
    return 2;
  }
  const name = basename(input).replace(/\.gz$/, '');
  const stem = join(here, name.slice(0, name.length - extname(name).length));
  const task = `${stem}.task.yaml`;
  // Which columns hold what is no part of a task: it is kept beside it.
  const columns = `${stem}.columns.json`;
  if (existsSync(task)) say(`Going on with ${task}: delete it to be asked again.`);
  else {
    let result = '';
    const code = await llambert(['--json', 'init', '--input', input, '--out', task], (text) => {
      result += text;
    });
    if (code !== 0) return code;
    const { file: written, readingFlags } = JSON.parse(result) as { file: string | null; readingFlags: readonly string[] };
    if (written === null) return 0;
    writeFileSync(columns, `${JSON.stringify(readingFlags)}\n`);
  }
  const flags: readonly string[] = existsSync(columns) ? JSON.parse(readFileSync(columns, 'utf8')) : [];
  return llambert(['run', task, '--input', input, ...flags, '--out', `${stem}-labels`]);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** @param onResult takes what the command writes to its standard output, which else goes to the terminal */
function llambert(args: readonly string[], onResult?: (text: string) => void): Promise<number> {
  return run(process.execPath, [join(root, 'apps/cli/src/main.ts'), ...args], onResult);
}

async function node(script: string, args: readonly string[]): Promise<void> {
  const code = await run(process.execPath, [script, ...args]);
  if (code !== 0) process.exit(code);
}

/** Runs a program on this terminal, Ctrl-C included: it hears the signal itself and says when it has stopped. */
function run(program: string, args: readonly string[], onResult?: (text: string) => void): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ['inherit', onResult === undefined ? 'inherit' : 'pipe', 'inherit'], cwd: here });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => onResult?.(text));
    const ignore = () => undefined;
    process.on('SIGINT', ignore);
    child.on('error', fail);
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore);
      done(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}
