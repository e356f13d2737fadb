import { defaultStudentSettings, type LabelKind } from '@llambert/domain';

/** What a task.yaml that is silent means. */
export const defaults = {
  kind: 'single',
  guide: '',
  examples: [],
  teacher: {
    apiKeyEnv: null,
    temperature: 0,
    concurrency: 8,
    maxPromptBytes: 32_000,
    timeoutSeconds: 60,
    onOutcomeUnknown: 'repeat',
  },
  budget: { usd: 5, annotations: 2000 },
  sampling: {
    strategy: 'representative',
    seed: 1,
    stratifyBy: null,
    plateauGain: 0.005,
    targetAgreement: null,
    quorum: 0.9,
    deadlineSeconds: 86_400,
  },
  student: defaultStudentSettings,
  pseudoLabels: { documents: 8000, confidence: 0.8 },
  routing: { targetError: 0.05, confidence: 0.95 },
} as const;

/** Room for an answer in JSON: 32 tokens of frame, and a token for two bytes of each label it can hold. At least 64. */
export function defaultMaxOutputTokens(kind: LabelKind, labels: readonly string[]): number {
  const sizes = labels.map((label) => 4 + Math.ceil(Buffer.byteLength(label) / 2));
  const longest = kind === 'single' ? Math.max(0, ...sizes) : sizes.reduce((sum, size) => sum + size, 0);
  return Math.max(64, 32 + longest);
}

/** A pool large enough that its strata are the source's, and that half of it stays undrawn. */
export function defaultPoolSize(annotations: number): number {
  return Math.max(10_000, 2 * annotations);
}

/** Most rounds that `annotations` can be spread over, each doubling those before it. */
export function maxRounds(annotations: number): number {
  return 1 + Math.floor(Math.log2(Math.max(1, annotations)));
}

export function defaultRounds(annotations: number): number {
  return Math.min(3, maxRounds(annotations));
}
