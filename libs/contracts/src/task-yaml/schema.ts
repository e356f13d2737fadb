import { inUsd, nanoUsd } from '@llambert/domain';
import * as z from 'zod';
import { topicNameProblem } from '../topics.ts';
import { defaults } from './defaults.ts';
import { studentModelProblem } from './student-model.ts';

// The form of a task.yaml: every rule that concerns one setting alone. Descriptions serve editors (by the JSON Schema) and people
// (as comments of a rendered file), so each is one line.

const maxUint32 = 0xffff_ffff;

/** A setting that may be left out. `fallback` is what the schema tells editors; the value itself is filled in by `completeTask`. */
function optional<T extends z.ZodType>(schema: T, description: string, fallback?: unknown): z.ZodOptional<T> {
  return schema.optional().meta(fallback === undefined ? { description } : { description, default: fallback });
}

function text(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine((value) => value.isWellFormed(), 'holds half of a surrogate pair, which is no text');
}

function filledText(maxLength: number) {
  return text(maxLength).refine((value) => value.trim() !== '', 'must not be empty');
}

function whole(minimum: number, maximum: number = maxUint32) {
  return z.int().min(minimum).max(maximum);
}

/** US dollars, no finer than the ledger counts. Doubles next to a whole number of nano-dollars count as that number. */
const usd = z
  .number()
  .min(0)
  .max(1e6)
  .refine((amount) => Math.abs(amount * 1e9 - nanoUsd(amount)) < 1e-3, 'is finer than a billionth of a dollar')
  .transform((amount) => inUsd(nanoUsd(amount)));

/** Labels are texts; a number or a switch written as one is taken as it is spelled. */
const label = z.string().meta({ type: ['string', 'number', 'boolean'] });

const topic = z.string().superRefine((name, context) => {
  const problem = topicNameProblem(name);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});

/** Names of environment variables, and nothing that looks like a key: the message must not repeat what was pasted. */
const environmentName = z.string().refine((name) => /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name) && !looksLikeKey(name), {
  message:
    'must be the name of an environment variable, and this is none; if it is the key itself, take it out of the file (and withdraw it if others saw it), put it in a variable such as OPENAI_API_KEY and write that name here',
});

function looksLikeKey(name: string): boolean {
  const hasKnownStart = /^(sk|pk|gsk|hf|xai|ghp|glpat|pplx|r8|nvapi|AIza|AKIA)[_-]?(?=.{12})(?=.*[a-z0-9].*\d)/.test(name);
  return (
    hasKnownStart ||
    (name.length >= 20 && /[a-z]/.test(name) && /\d/.test(name) && !/^[a-z]+(_[a-z0-9]+)*$/.test(name)) ||
    /^[0-9a-fA-F]{24,}$/.test(name)
  );
}

const baseUrl = z.string().superRefine((value, context) => {
  const problem = baseUrlProblem(value);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});

/** Messages do not repeat the address: it may hold a password. */
function baseUrlProblem(value: string): string | null {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return 'must be an address such as https://api.openai.com/v1';
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user or password; the key goes into the variable that apiKeyEnv names';
  return url.search !== '' || url.hash !== ''
    ? 'must not have a ?query or #fragment: paths such as /chat/completions are put after it'
    : null;
}

const example = z.strictObject({
  text: filledText(1_000_000).describe('The text'),
  textPair: optional(text(1_000_000), 'The second text of a pair'),
  label: optional(label, 'Its label'),
  labels: optional(z.array(label), 'Its labels, where kind is multi'),
});

const teacher = z.strictObject({
  model: filledText(500).describe('The model, as the endpoint calls it'),
  baseUrl: baseUrl.describe('An OpenAI-compatible API, up to and with its version: https://api.openai.com/v1'),
  apiKeyEnv: optional(environmentName.nullable(), 'Name of the environment variable that holds the key; null: none is needed', null),
  price: optional(
    z.strictObject({ input: usd.describe('Per million prompt tokens'), output: usd.describe('Per million answer tokens') }),
    'US dollars per million tokens; may be left out for a server on this machine or network',
  ),
  temperature: optional(z.number().min(0).max(2), 'Sampling temperature, 0 to 2', defaults.teacher.temperature),
  concurrency: optional(whole(1, 1024), 'Calls in flight at once', defaults.teacher.concurrency),
  maxOutputTokens: optional(whole(1, 1_000_000), "Longest answer, in tokens: part of a call's worst price"),
  maxPromptBytes: optional(
    whole(100, 16 * 1024 * 1024),
    'A document whose prompt is longer (bytes of UTF-8) is rejected, not cut',
    defaults.teacher.maxPromptBytes,
  ),
  timeoutSeconds: optional(z.number().gt(0).max(86_400), 'Time limit of a call, in seconds', defaults.teacher.timeoutSeconds),
  onOutcomeUnknown: optional(
    z.enum(['repeat', 'reject']),
    'A sample whose call was in flight at a crash: repeat (and pay again) or reject',
    defaults.teacher.onOutcomeUnknown,
  ),
});

const budget = z.strictObject({
  usd: optional(usd, 'Hard cap on what the teacher may cost, in US dollars, over all runs', defaults.budget.usd),
  annotations: optional(whole(1, 10_000_000), 'Most documents to annotate', defaults.budget.annotations),
});

const sampling = z.strictObject({
  strategy: optional(
    z.enum(['representative', 'stratified', 'uniform']),
    'representative, stratified or uniform',
    defaults.sampling.strategy,
  ),
  seed: optional(whole(0), 'Seed of the draw', defaults.sampling.seed),
  stratifyBy: optional(filledText(500).nullable(), 'Metadata field whose values are the strata; null: script and length', null),
  poolSize: optional(whole(1, 10_000_000), 'Documents kept to draw from'),
  rounds: optional(whole(1, 24), 'Most rounds; each doubles the annotations so far'),
  plateauGain: optional(
    z.number().min(0).max(1),
    'Rounds end when doubling the annotations promises less agreement than this share',
    defaults.sampling.plateauGain,
  ),
  targetAgreement: optional(
    z.number().gt(0).max(1).nullable(),
    'Rounds end when agreement with the teacher reaches this share; null: never for that reason',
    null,
  ),
  quorum: optional(z.number().gt(0).max(1), 'Share of answers with which training may start at the deadline', defaults.sampling.quorum),
  deadlineSeconds: optional(z.number().gt(0).max(31_536_000), 'Deadline of a round, in seconds', defaults.sampling.deadlineSeconds),
});

const tuning = defaults.student.fineTuning;

const fineTuning = z.strictObject({
  epochs: optional(z.int().min(1).max(1000), 'Most passes over the labelled texts', tuning.epochs),
  batchSize: optional(z.int().min(1).max(4096), 'Texts per update', tuning.batchSize),
  learningRate: optional(z.number().gt(0).lt(1).nullable(), 'null: 5e-5 for pretrained weights, 1e-3 for fresh ones', tuning.learningRate),
  pooling: optional(z.enum(['first', 'mean']), "A text's vector: its first token's, or the mean of all", tuning.pooling),
  layerDecay: optional(z.number().gt(0).max(1), "A layer's learning rate as a share of the one above it", tuning.layerDecay),
  weightDecay: optional(z.number().min(0).max(1), 'Decay of the weights, times the learning rate', tuning.weightDecay),
  warmup: optional(z.number().min(0).max(1), 'Share of the updates over which the learning rate rises', tuning.warmup),
  labelSmoothing: optional(z.number().min(0).lt(1), 'Share of a label that is spread over all labels', tuning.labelSmoothing),
  noiseRobustness: optional(
    z.number().gt(0).max(1).nullable(),
    'q of the generalized cross entropy, so that wrong labels pull less; null: cross entropy',
    tuning.noiseRobustness,
  ),
  patience: optional(z.int().min(1).max(1000), 'Epochs without a gain on the held-out texts after which training ends', tuning.patience),
  goldStage: optional(
    z
      .strictObject({
        epochs: z.int().min(1).max(1000).describe('Most passes over them'),
        learningRate: optional(z.number().gt(0).lt(1).nullable(), "null: half of the first training's", null),
      })
      .nullable(),
    "A second training, on people's labels alone, after one on the teacher's; null: one training on all of them",
    null,
  ),
});

const student = z.strictObject({
  model: optional(
    text(4096).superRefine((model, context) => {
      const problem = studentModelProblem(model);
      if (problem !== null) context.addIssue({ code: 'custom', message: problem });
    }),
    'linear, frozen:<encoder>, <encoder> (folder, hf:<owner>/<name>[@revision], scratch:small) to fine-tune, auto[:<encoder>]',
    defaults.student.model,
  ),
  minutes: optional(z.number().gt(0).max(100_000), 'How long auto may train in each round', defaults.student.minutes),
  seed: optional(whole(0), 'Seed of folds and initial weights', defaults.student.seed),
  classWeights: optional(z.enum(['none', 'balanced']), 'balanced: all classes weigh the same in training', defaults.student.classWeights),
  likelyWrong: optional(
    z.enum(['keep', 'halve', 'drop', 'ask-teacher', 'ask-person']),
    "The teacher's labels that are likely wrong: keep, halve or drop their weight; ask-teacher again, or ask-person",
    defaults.student.likelyWrong,
  ),
  maxTokens: optional(z.int().min(8).max(8192), 'Most tokens that an encoder reads of a text', defaults.student.maxTokens),
  truncation: optional(
    z.enum(['head', 'head-and-tail']),
    'Which tokens of a longer text: the first ones, or some from both ends',
    defaults.student.truncation,
  ),
  ensemble: optional(z.boolean(), 'Whether an encoder decides together with a linear student', defaults.student.ensemble),
  pseudoLabels: optional(
    z
      .strictObject({
        documents: optional(z.int().min(1).max(1_000_000), 'Unlabelled documents that are looked at', defaults.pseudoLabels.documents),
        confidence: optional(
          z.number().gt(0).lt(1),
          'Least calibrated probability of a label that is learned from',
          defaults.pseudoLabels.confidence,
        ),
      })
      .nullable(),
    'Learning also from unlabelled documents, under the labels that a first student is confident of; null: none',
    null,
  ),
  fineTuning: optional(fineTuning, 'How an encoder is fine-tuned'),
});

const openShare = z.number().gt(0).lt(1);

const routing = z.strictObject({
  targetError: optional(openShare, 'Tolerable share of wrong labels among the automatic ones', defaults.routing.targetError),
  confidence: optional(openShare, 'Confidence with which that must be shown', defaults.routing.confidence),
});

const gold = z.union([
  filledText(4096).describe('A file of {id, label} or {id, labels} lines'),
  z.strictObject({
    file: filledText(4096).describe('A file of {id, label} or {id, labels} lines'),
    sampled: optional(
      z.enum(['uniform', 'chosen']),
      'uniform: drawn at random from the source, so that it may certify; chosen: for a reason',
    ),
  }),
  z.null(),
]);

const topics = z.strictObject({
  source: optional(topic, 'Topic that documents come from'),
  predictions: optional(topic, 'Topic that predictions go to'),
});

/** A task.yaml as it is written. */
export const taskFile = z
  .strictObject({
    task: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be at most 63 lower-case letters, digits and hyphens, beginning with a letter or digit')
      .describe('Name of the task'),
    description: filledText(20_000).describe('The question, in one sentence or two'),
    kind: optional(z.enum(['single', 'multi']), 'single: exactly one label a document; multi: any number of them', defaults.kind),
    labels: z
      .union([z.array(label), z.record(z.string(), text(20_000).nullable())])
      .describe('The labels: a list of names, or a map from names to what they mean'),
    guide: optional(text(1_000_000), 'Instructions for doubtful cases', defaults.guide),
    examples: optional(z.array(example).max(1000), 'Labelled examples for the prompt', defaults.examples),
    teacher: teacher.describe('The large language model that annotates the sample'),
    budget: optional(budget, 'What annotating may cost'),
    sampling: optional(sampling, 'Which documents are annotated, and when the rounds end'),
    student: optional(student, 'The model that is trained and labels everything'),
    gold: optional(
      gold,
      'Labels by people, needed to certify: a file beside this one, such as gold.jsonl (llambert gold makes it); null: none',
      null,
    ),
    routing: optional(routing, 'Which labels stand without a person'),
    topics: optional(topics, 'Topics other than the usual ones'),
  })
  .meta({ title: 'LlamBERT task', description: 'What to label and how' });

export type TaskFile = z.output<typeof taskFile>;

/** A task.yaml with its labels as a list, in their order (an object would sort names that are numbers to the front). */
export type TaskDraft = Omit<TaskFile, 'labels'> & { readonly labels: readonly { readonly name: string; readonly description: string }[] };
