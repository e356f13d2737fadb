import { existsSync } from 'node:fs';
import { type InputLook, lookAtInput, type ReadOptions, writeTextAtomically } from '@llambert/adapters/files';
import { type OpenAiTeacher, openAiTeacher } from '@llambert/adapters/openai';
import { parseTaskYaml, renderTaskYaml, type TaskDraft } from '@llambert/contracts';
import { type Document, hashFraction, LlambertError, type NanoUsd, type Task, type Teacher } from '@llambert/domain';
import type { Asker } from '../terminal/asker.ts';
import { excerpt } from '../terminal/safe-text.ts';
import { type Endpoint, endpointOf, expectFlags, modelOf, moneyOf, questionOf, type TaskFlags, taskNameOf } from './task-answers.ts';
import { checkTrialFits, type TrialAnswer, teacherAway, tryTeacher } from './teacher-trial.ts';
import { trialHead, trialLines, trialTotal } from './trial-text.ts';

export interface BeginRequest {
  readonly flags: TaskFlags & { readonly yes?: boolean };
  /** Documents to look at; none: the teacher is not tried. */
  readonly inputs: readonly string[];
  readonly reading: Omit<ReadOptions, 'onNotice' | 'onProgress'>;
  readonly out: string;
  /** Whether a file that is there may be overwritten unasked. */
  readonly force: boolean;
  /** Whether the teacher is asked about some documents first. */
  readonly tryTeacher: boolean;
  readonly environment: NodeJS.ProcessEnv;
}

export interface BeginPorts {
  /** null: there is nobody to ask. */
  readonly asker: Asker | null;
  /** Takes the lines that people read. */
  readonly print: (line: string) => void;
  readonly notice: (message: string) => void;
  readonly signal: AbortSignal;
}

export interface Begun {
  /** null: the person did not want it written. */
  readonly file: string | null;
  readonly task: Task;
  readonly trial: readonly TrialAnswer[];
  /** Sum of the trial's prices. */
  readonly cost: NanoUsd;
  /** Flags that a run needs to read the same input. */
  readonly readingFlags: readonly string[];
}

const documentsTried = 10;
const listTimeoutMs = 10_000;

/** Makes a task.yaml of flags and answers: looks at the input, tries the teacher, shows what it says and costs, and only then writes. */
export async function beginTask(request: BeginRequest, ports: BeginPorts): Promise<Begun> {
  const { flags, out } = request;
  const { asker, notice } = ports;
  if (asker === null) expectFlags(flags);
  await checkMayWrite(request, asker);

  const look = request.inputs.length === 0 ? null : await chooseFields(request, ports);
  const question = await questionOf({ task: taskNameOf(request.inputs[0]), ...flags }, look, asker);
  const endpoint = await endpointOf(flags, asker);
  const tries = request.tryTeacher && look !== null;
  const teacher = tries || asker !== null ? openAiTeacher({ baseUrl: endpoint.baseUrl, apiKey: keyOf(endpoint, request, tries) }) : null;
  const model =
    asker === null ? flags.model! : await modelOf(flags, flags.model === undefined ? await listModels(teacher!, tries, ports) : [], asker);
  const { price, budget } = await moneyOf(flags, endpoint, asker);
  const draft: TaskDraft = { ...question, teacher: { ...endpoint, model, ...(price === undefined ? {} : { price }) }, budget };
  const text = rendered(draft);
  const { task } = parseTaskYaml(text, { fileName: out });

  const trial = teacher !== null && tries ? await runTrial(task, someOf(look.documents), teacher, ports) : [];
  if (request.tryTeacher && look === null) notice('without --input the teacher cannot be tried: nothing was asked, nothing was spent');
  const cost = trial.reduce((sum, answer) => sum + answer.cost, 0);
  const readingFlags = look === null ? [] : readingFlagsOf(request, look);
  const wanted = asker === null || (await asker.agree(`Write ${out}?`, { fallback: trial.every((answer) => answer.labels !== null) }));
  if (wanted) await writeTextAtomically(out, text);
  return { file: wanted ? out : null, task, trial, cost, readingFlags };
}

/** Shows what the teacher says about documents, each as soon as it is there. */
async function runTrial(
  task: Task,
  documents: readonly Document[],
  teacher: Teacher,
  { print, signal }: BeginPorts,
): Promise<TrialAnswer[]> {
  const trial: TrialAnswer[] = [];
  try {
    checkTrialFits(task, documents);
    print(trialHead(task, documents.length));
    for (const [index, document] of documents.entries()) {
      const answer = await tryTeacher(task, document, teacher, signal);
      trial.push(answer);
      for (const line of trialLines(answer, index + 1)) print(line);
    }
  } catch (error) {
    throw error instanceof LlambertError && error.code !== 'cancelled' ? withoutTrying(error) : error;
  }
  for (const line of trialTotal(task, trial)) print(line);
  return trial;
}

async function checkMayWrite({ out, force }: BeginRequest, asker: Asker | null): Promise<void> {
  if (force || !existsSync(out)) return;
  if (asker !== null && (await asker.agree(`${out} is there already. Put another in its place at the end?`, { fallback: false }))) return;
  throw new LlambertError('conflict', `${out} is there already and was left as it is: name another file with --out, or say --force`, {
    facts: { file: out },
  });
}

/** Looks at the input; on a terminal a person says which columns hold the text and the id. */
async function chooseFields({ inputs, reading }: BeginRequest, { asker, notice }: BeginPorts): Promise<InputLook> {
  const withIds = async (found: InputLook, text: string): Promise<InputLook> => {
    if (found.fields.id !== null || found.columns.length === 0) {
      if (found.fields.id !== null) notice(`the ids are those of the column "${found.fields.id}"`);
      return found;
    }
    const made = `the file's name and the place in it, such as ${found.documents[0]!.id}`;
    const id = asker === null || found.unique.length === 0 ? null : await askForId(found, made, asker);
    if (id !== null) return lookAtInput(inputs, { ...reading, fields: { ...reading.fields, id, text } });
    const hint = asker !== null || found.unique.length === 0 ? '' : `; --id-field ${found.unique[0]} takes those of that column`;
    notice(`the ids are made of ${made}${hint}`);
    return found;
  };
  const look = await lookAtInput(inputs, { ...reading, onNotice: notice });
  const text =
    asker === null || reading.fields.text !== undefined || look.columns.length < 2 ? look.fields.text : await askForText(look, asker);
  if (text === null) {
    const columns = look.columns.map(({ name }) => name).join(', ');
    throw new LlambertError(
      'invalid_input',
      `which column of ${inputs.join(', ')} holds the text cannot be told: name it with --text-field. The columns are ${columns}`,
    );
  }
  const found = text === look.fields.text ? look : await lookAtInput(inputs, { ...reading, fields: { ...reading.fields, text } });
  if (found.documents.length > 0) return withIds(found, text);
  throw new LlambertError(
    'invalid_input',
    `the beginning of ${inputs.join(', ')} holds no document: are the texts in the column "${text}"?`,
  );
}

function askForText(look: InputLook, asker: Asker): Promise<string> {
  const guessFirst = [...look.columns].sort(
    (left, right) => Number(right.name === look.fields.text) - Number(left.name === look.fields.text),
  );
  return asker.choose(
    'Which column holds the text?',
    guessFirst.map(({ name, examples }) => ({ name: `${name}: ${excerpt(examples.join(' | '), 70)}`, value: name })),
  );
}

function askForId(look: InputLook, made: string, asker: Asker): Promise<string | null> {
  return asker.choose<string | null>('Which column holds the id of a document?', [
    ...look.columns
      .filter(({ name }) => look.unique.includes(name))
      .map(({ name, examples }) => ({ name: `${name}: ${excerpt(examples.join(' | '), 70)}`, value: name })),
    { name: `none: make ids of ${made}`, value: null },
  ]);
}

/** The same ones for the same input, and no better or worse than the others that were looked at. */
function someOf(documents: readonly Document[]): Document[] {
  const rank = new Map(documents.map((document) => [document, hashFraction('teacher-trial.v1', document.id)]));
  return [...documents].sort((left, right) => rank.get(left)! - rank.get(right)!).slice(0, documentsTried);
}

/** @param needed whether calls will be made that cannot do without it */
function keyOf({ apiKeyEnv }: Endpoint, { environment }: BeginRequest, needed: boolean): string | null {
  if (apiKeyEnv === null) return null;
  const key = environment[apiKeyEnv];
  if (key !== undefined && key !== '') return key;
  if (!needed) return null;
  // What is no usual name may be the key itself, which must not be repeated.
  const name = /^[A-Z][A-Z0-9_]*$/.test(apiKeyEnv) ? `variable ${apiKeyEnv}` : 'variable that --api-key-env names';
  throw new LlambertError(
    'invalid_input',
    `the environment ${name} is not set, and it should hold the key of the teacher: set it, or use --no-try to write the file without asking the teacher`,
  );
}

async function listModels(teacher: OpenAiTeacher, tries: boolean, { notice, signal }: BeginPorts): Promise<readonly string[]> {
  const list = await teacher.listModels({ timeoutMs: listTimeoutMs, signal });
  if (list.ok) return list.models;
  const isAway = list.failure.kind === 'unreachable' || list.failure.kind === 'timeout';
  if (tries && isAway && !signal.aborted) throw withoutTrying(teacherAway(teacher.endpoint, list.failure));
  notice(`${teacher.endpoint} gives no list of its models (${list.failure.detail})`);
  return [];
}

/** Whatever keeps the teacher from being tried need not keep the file from being written. */
function withoutTrying(error: LlambertError): LlambertError {
  const message = `${error.message.replace(/[^.?!]$/, '$&.')} Nothing was written; --no-try writes the file without asking the teacher`;
  return new LlambertError(error.code, message, { facts: error.facts, cause: error });
}

function rendered(draft: TaskDraft): string {
  try {
    return renderTaskYaml(draft);
  } catch (error) {
    if (!(error instanceof LlambertError) || error.code !== 'invalid_task') throw error;
    throw new LlambertError(
      'invalid_task',
      `no task can be made of these answers:\n${error.message}\nThe flags are --task, --description, --labels, --kind, --base-url, --model, --api-key-env, --price-input, --price-output, --budget, --annotations`,
      { cause: error },
    );
  }
}

/** What a run must be told to read the input as it was read here. */
function readingFlagsOf({ reading }: BeginRequest, { fields, columns }: InputLook): string[] {
  const given = {
    // The column called id is found without being named.
    '--id-field': fields.id === null || fields.id.toLowerCase() === 'id' ? reading.fields.id : fields.id,
    '--text-field': columns.length < 2 ? undefined : fields.text!,
    '--pair-field': reading.fields.textPair,
    '--input-format': reading.format,
    '--encoding': reading.encoding,
  };
  return Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
}
