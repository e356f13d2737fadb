import { type Document, defaultStudentSettings, type Sample, sampleId, type Task, type TaskSettings } from '@llambert/domain';

/** A small task; `teacher` and `budget` replace parts of its settings. */
export function aTask(change: { teacher?: Partial<TaskSettings['teacher']>; budget?: Partial<TaskSettings['budget']> } = {}): Task {
  return {
    name: 'reviews',
    spec: {
      description: 'Is the writer pleased?',
      kind: 'single',
      labels: [
        { name: 'positive', description: 'pleased' },
        { name: 'negative', description: '' },
      ],
      guide: 'Irony counts by its meaning.',
      examples: [{ text: 'A waste of time.', labels: ['negative'] }],
    },
    settings: {
      teacher: {
        model: 'teacher-1',
        baseUrl: 'http://localhost/v1',
        apiKeyEnv: null,
        price: { input: 1, output: 2 },
        temperature: 0,
        concurrency: 4,
        maxOutputTokens: 32,
        maxPromptBytes: 20_000,
        timeoutSeconds: 30,
        onOutcomeUnknown: 'repeat',
        ...change.teacher,
      },
      budget: { usd: 1, annotations: 100, ...change.budget },
      sampling: {
        strategy: 'uniform',
        seed: 1,
        stratifyBy: null,
        poolSize: 1000,
        rounds: 1,
        plateauGain: 0.005,
        targetAgreement: null,
        quorum: 0.9,
        deadlineSeconds: 3600,
      },
      student: { ...defaultStudentSettings, model: 'linear' },
      routing: { targetError: 0.05, confidence: 0.95 },
    },
    topics: { source: 'documents', predictions: 'predictions' },
  };
}

export function aDocument(change: Partial<Document> = {}): Document {
  return { id: 'document-1', text: 'What a day!', metadata: {}, ...change };
}

/** A sample of `aTask`, of a document with the given id. */
export function aSample(documentId = 'document-1'): Sample {
  return {
    id: sampleId('reviews', documentId),
    task: 'reviews',
    round: 1,
    document: aDocument({ id: documentId, text: `What a day, says ${documentId}!` }),
    strategy: 'uniform',
    reason: 'drawn uniformly',
    inclusionProbability: 0.5,
  };
}
