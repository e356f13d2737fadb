#!/usr/bin/env node
import { parseArgs } from 'node:util';
import type { Annotator } from './annotator.ts';
import { type FaultPlan, parseFault } from './faults.ts';
import { replayAnswers } from './replay.ts';
import { customerMessageRules } from './rules.ts';
import { startStandinTeacher } from './server.ts';

const usage = `usage: node tools/standin-teacher/src/main.ts [options]
  --mode rules|replay    rules (default): judges the shipped example's customer messages; replay: repeats recorded answers
  --documents FILE       replay: JSON Lines {id, text, textPair?}, .gz accepted
  --answers FILE         replay: JSON Lines {id, label} or {id, labels}; null: no usable answer
  --second-answers FILE  replay: as --answers, for a text that was asked about before in other words
  --field NAME           replay: the answers' field that holds the label
  --port N --host NAME   default 8799 on 127.0.0.1
  --api-key KEY          refuse whoever does not send it
  --no-structured        refuse response_format      --no-logprobs   refuse logprobs
  --prose                answer in a sentence, whatever format is asked for
  --fault NAME=RATE      may be repeated. NAME: rate-limit, server-error, hang, cut, malformed-body, unknown-label, refusal,
                         missing-usage. RATE: 0.1 (probability), first:3 (calls), each:1 (attempts of every request)
  --seed TEXT            of the faults               --latency MS    before every answer
  --retry-after S        of the 429s                 --books FILE    append every billed call`;

/** The command line's options by name. */
type Values = ReturnType<typeof parseOptions>;

function parseOptions() {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  return parseArgs({
    options: {
      mode: { ...text, default: 'rules' },
      documents: text,
      answers: text,
      'second-answers': text,
      field: text,
      port: { ...text, default: '8799' },
      host: { ...text, default: '127.0.0.1' },
      'api-key': text,
      'no-structured': flag,
      'no-logprobs': flag,
      prose: flag,
      fault: { ...text, multiple: true },
      seed: { ...text, default: '0' },
      latency: text,
      'retry-after': text,
      books: text,
      help: flag,
    },
  }).values;
}

async function annotatorOf(values: Values): Promise<Annotator> {
  if (values.mode === 'rules') return customerMessageRules;
  if (values.mode !== 'replay') throw new RangeError(`--mode must be rules or replay, not "${values.mode}"`);
  if (values.documents === undefined || values.answers === undefined) throw new RangeError('--mode replay needs --documents and --answers');
  return replayAnswers({
    documents: values.documents,
    answers: values.answers,
    ...(values['second-answers'] === undefined ? {} : { secondAnswers: values['second-answers'] }),
    ...(values.field === undefined ? {} : { field: values.field }),
  });
}

function amount(name: string, value: string, most: number): number {
  const parsed = value.trim() === '' ? Number.NaN : Number(value);
  if (!(parsed >= 0 && parsed <= most)) throw new RangeError(`--${name} must be a number from 0 to ${most}, not "${value}"`);
  return parsed;
}

async function main(): Promise<void> {
  const values = parseOptions();
  if (values.help) {
    console.log(usage);
    return;
  }
  const teacher = await startStandinTeacher({
    annotator: await annotatorOf(values),
    port: amount('port', values.port, 65535),
    host: values.host,
    capabilities: { structured: !values['no-structured'], logprobs: !values['no-logprobs'], prose: values.prose },
    faults: Object.assign({}, ...(values.fault ?? []).map(parseFault)) as FaultPlan,
    seed: values.seed,
    ...(values['api-key'] === undefined ? {} : { apiKey: values['api-key'] }),
    ...(values.latency === undefined ? {} : { latencyMs: amount('latency', values.latency, 3_600_000) }),
    ...(values['retry-after'] === undefined ? {} : { retryAfterSeconds: amount('retry-after', values['retry-after'], 3600) }),
    ...(values.books === undefined ? {} : { booksFile: values.books }),
  });
  console.error(
    `stand-in teacher, no language model: mode ${values.mode}, base URL ${teacher.baseUrl}, books at ${teacher.url}/standin/ledger`,
  );
  const stop = (): void => {
    teacher.close().catch((error: unknown) => console.error(String(error)));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
});
