import { basename } from 'node:path';
import type { InputLook } from '@llambert/adapters/files';
import type { TaskDraft } from '@llambert/contracts';
import { LlambertError } from '@llambert/domain';
import type { Asker } from '../terminal/asker.ts';
import { excerpt } from '../terminal/safe-text.ts';
import { labelColumns } from './label-columns.ts';

/** What of a task the flags say; what they leave out is asked for. */
export interface TaskFlags {
  readonly task?: string;
  readonly description?: string;
  readonly labels?: readonly string[];
  readonly kind?: 'single' | 'multi';
  readonly baseUrl?: string;
  readonly model?: string;
  /** '' : the server wants no key. */
  readonly apiKeyEnv?: string;
  readonly priceInput?: number;
  readonly priceOutput?: number;
  readonly budget?: number;
  readonly annotations?: number;
}

export interface Endpoint {
  readonly baseUrl: string;
  readonly apiKeyEnv: string | null;
}

const openAi: Endpoint = { baseUrl: 'https://api.openai.com/v1', apiKeyEnv: 'OPENAI_API_KEY' };
const localServer: Endpoint = { baseUrl: 'http://localhost:11434/v1', apiKeyEnv: null };
const defaultCapUsd = 5;

/** @throws LlambertError `invalid_input` that lists the flags without which nothing can be done where nobody can be asked */
export function expectFlags(flags: TaskFlags & { readonly yes?: boolean }): void {
  const missing = [
    ...(flags.description === undefined ? ['--description TEXT (the question that the labels answer)'] : []),
    ...(flags.labels === undefined ? ['--labels a,b'] : []),
    ...(flags.baseUrl === undefined ? [`--base-url URL (such as ${openAi.baseUrl})`] : []),
    ...(flags.model === undefined ? ['--model NAME'] : []),
    ...(flags.yes === true ? [] : ['--yes (to write the file without being asked)']),
  ];
  if (missing.length === 0) return;
  throw new LlambertError(
    'invalid_input',
    `nobody can be asked here (no terminal, or --yes), so these flags are needed as well:\n  ${missing.join('\n  ')}`,
    {
      facts: { missing: missing.length },
    },
  );
}

/** The endpoint of the teacher: by the flags, else by asking. */
export async function endpointOf(flags: TaskFlags, asker: Asker | null): Promise<Endpoint> {
  if (flags.baseUrl !== undefined || asker === null) {
    const baseUrl = flags.baseUrl ?? openAi.baseUrl;
    const usual = baseUrl.replace(/\/+$/, '') === openAi.baseUrl ? openAi.apiKeyEnv : null;
    return { baseUrl, apiKeyEnv: flags.apiKeyEnv === undefined ? usual : flags.apiKeyEnv || null };
  }
  const known = await asker.choose<Endpoint | null>('Which teacher?', [
    { name: `OpenAI (${openAi.baseUrl})`, value: openAi },
    { name: `a server on this machine (${localServer.baseUrl}, as Ollama has it)`, value: localServer },
    { name: 'another OpenAI-compatible server', value: null },
  ]);
  const baseUrl = known?.baseUrl ?? (await asker.text('Its base URL, up to and with its version:', { check: baseUrlProblem }));
  if (flags.apiKeyEnv !== undefined) return { baseUrl, apiKeyEnv: flags.apiKeyEnv || null };
  if (known !== null) return known;
  const name = await asker.text('Name of the environment variable that holds its key (empty: it wants none):', { check: variableProblem });
  return { baseUrl, apiKeyEnv: name || null };
}

/** The model: by the flag, else from the server's list, else typed. */
export async function modelOf(flags: TaskFlags, listed: readonly string[], asker: Asker): Promise<string> {
  if (flags.model !== undefined) return flags.model;
  const typed = () => asker.text('Model, as the server calls it:', { check: filled });
  if (listed.length === 0) return typed();
  const names = [...listed].sort((left, right) => (left < right ? -1 : 1));
  const chosen = await asker.choose<string | null>('Which model?', [
    ...names.map((name) => ({ name, value: name })),
    { name: 'another: type its name', value: null },
  ]);
  return chosen ?? typed();
}

/** What the labels are to say: the flags' answers, and a person's for the rest. */
export async function questionOf(
  flags: TaskFlags & { readonly task: string },
  look: InputLook | null,
  asker: Asker | null,
): Promise<Pick<TaskDraft, 'task' | 'description' | 'labels' | 'kind'>> {
  const description =
    flags.description ?? (await asker?.text('What should the labels say about a document? (a question)', { check: filled })) ?? '';
  const names = flags.labels ?? (asker === null ? [] : await labelsFrom(look, asker));
  const kind =
    flags.kind ??
    (asker === null
      ? 'single'
      : await asker.choose<'single' | 'multi'>('How many of them does a document have?', [
          { name: 'exactly one', value: 'single' },
          { name: 'any number, also none', value: 'multi' },
        ]));
  return {
    task: flags.task,
    description,
    labels: names.map((name) => ({ name, description: '' })),
    kind,
  };
}

async function labelsFrom(look: InputLook | null, asker: Asker): Promise<readonly string[]> {
  const columns = look === null ? [] : labelColumns(look);
  const typed = async () =>
    splitLabels(
      await asker.text('The labels, with commas between them:', {
        check: (answer) => (splitLabels(answer).length === 0 ? 'at least one, please' : null),
      }),
    );
  if (columns.length === 0) return typed();
  const chosen = await asker.choose<readonly string[] | null>('Which labels?', [
    ...columns.map(({ column, values }) => ({ name: `those of the column "${column}": ${excerpt(values.join(', '), 80)}`, value: values })),
    { name: 'others: type them', value: null },
  ]);
  return chosen ?? typed();
}

/** What the teacher costs and may cost. A price that nobody states stays open: task.yaml decides whether it may. */
export async function moneyOf(
  flags: TaskFlags,
  endpoint: Endpoint,
  asker: Asker | null,
): Promise<{ price: { input: number; output: number } | undefined; budget: NonNullable<TaskDraft['budget']> }> {
  const isFree = endpoint.baseUrl === localServer.baseUrl;
  const ask = async (what: string) =>
    asker === null || isFree ? undefined : asker.amount(`Its price per million ${what} tokens, in US dollars (0: free):`);
  const input = flags.priceInput ?? (await ask('prompt'));
  const output = flags.priceOutput ?? (await ask('answer'));
  const usd =
    flags.budget ??
    (await asker?.amount('The most that the teacher may cost, in US dollars:', { fallback: defaultCapUsd })) ??
    defaultCapUsd;
  return {
    price: input === undefined && output === undefined ? undefined : { input: input ?? 0, output: output ?? 0 },
    budget: { usd, ...(flags.annotations === undefined ? {} : { annotations: flags.annotations }) },
  };
}

/** `a, b` as two names; blanks around them do not count. */
export function splitLabels(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** A file's name as the name of a task. */
export function taskNameOf(file: string | undefined): string {
  const stem =
    file === undefined || file === '-' ? '' : basename(file).replace(/(\.(gz|zst|jsonl|ndjson|json|csv|tsv|txt|parquet))+$/i, '');
  const name = stem
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
  return name || 'my-task';
}

function filled(answer: string): string | null {
  return answer === '' ? 'an answer, please (Ctrl-C stops)' : null;
}

function baseUrlProblem(answer: string): string | null {
  const url = URL.parse(answer);
  return url !== null && /^https?:$/.test(url.protocol) ? null : `an address such as ${openAi.baseUrl}, please`;
}

function variableProblem(answer: string): string | null {
  return /^([A-Za-z_][A-Za-z0-9_]*)?$/.test(answer) ? null : 'the name of a variable, such as MY_API_KEY; not the key itself';
}
