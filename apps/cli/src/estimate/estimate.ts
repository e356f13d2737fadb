import { inUsd, priceOf, type Task } from '@llambert/domain';
import type { PromptSizes } from './measure-prompts.ts';
import type { StudentSpeed } from './measure-student.ts';
import type { TeacherSpeed } from './measure-teacher.ts';

/** What is assumed rather than measured. */
export interface Assumptions {
  readonly personUsdPerHour: number;
  readonly personSecondsPerDocument: number;
  /** Power of a core of this machine at work, in watts. */
  readonly wattsPerCore: number;
  /** Cores that label at the same time, each as fast as the one that was measured. */
  readonly cores: number;
  /** Power of the machine that the teacher runs on; null: not known. */
  readonly teacherWatts: number | null;
}

export interface Measured {
  /** Documents of the input. */
  readonly documents: number;
  readonly prompts: PromptSizes;
  /** null: the teacher was not asked. */
  readonly teacher: TeacherSpeed | null;
  readonly students: readonly StudentSpeed[];
}

/** One way to get labels, or a part of one. What nobody measured or assumed is null. */
export interface EstimateRow {
  readonly by: 'teacher' | 'people' | 'student';
  readonly way: string;
  readonly documents: number;
  readonly usd: number | null;
  readonly seconds: number | null;
  readonly kilowattHours: number | null;
}

export interface Estimate {
  readonly task: string;
  readonly documents: number;
  /** Mean tokens of a call, and where the figures come from. */
  readonly tokens: { readonly input: number; readonly output: number; readonly by: 'teacher' | 'tokenizer' };
  readonly usdPerCall: number;
  /** Annotations that the budget allows; `limit` says what ends them. */
  readonly annotations: { readonly count: number; readonly limit: 'annotations' | 'usd' | 'documents' };
  readonly rows: readonly EstimateRow[];
  readonly measured: Measured;
  readonly assumptions: Assumptions;
}

/** Money, time and energy of labelling everything: by the teacher, by people, and by a student that learns from a sample. */
export function estimateOf(task: Task, measured: Measured, assumptions: Assumptions): Estimate {
  const { documents, prompts, teacher, students } = measured;
  const tokens = {
    input: teacher?.inputTokens ?? prompts.inputTokens,
    output: teacher?.outputTokens ?? prompts.outputTokens,
    by: typeof teacher?.inputTokens === 'number' ? ('teacher' as const) : ('tokenizer' as const),
  };
  const usdPerCall = inUsd(priceOf(tokens, task.settings.teacher.price));
  const askable = Math.round(documents * (1 - prompts.tooLong));
  const annotations = annotationsOf(task, askable, usdPerCall);

  const teacherRow = (way: string, calls: number): EstimateRow => {
    const seconds = teacher === null ? null : (calls * teacher.seconds) / teacher.asked;
    const watts = assumptions.teacherWatts;
    return {
      by: 'teacher',
      way,
      documents: calls,
      usd: calls * usdPerCall,
      seconds,
      kilowattHours: seconds === null || watts === null ? null : kilowattHours(watts, seconds),
    };
  };
  const personSeconds = documents * assumptions.personSecondsPerDocument;
  return {
    task: task.name,
    documents,
    tokens,
    usdPerCall,
    annotations,
    rows: [
      teacherRow('the teacher on all', askable),
      {
        by: 'people',
        way: 'people on all',
        documents,
        usd: (personSeconds / 3600) * assumptions.personUsdPerHour,
        seconds: personSeconds,
        kilowattHours: null,
      },
      teacherRow('the teacher on the sample', annotations.count),
      ...students.map(({ student, documentsPerSecond }): EstimateRow => {
        const seconds = documents / (documentsPerSecond * assumptions.cores);
        const energy = kilowattHours(assumptions.wattsPerCore * assumptions.cores, seconds);
        return { by: 'student', way: `student on all (${student})`, documents, usd: 0, seconds, kilowattHours: energy };
      }),
    ],
    measured,
    assumptions,
  };
}

function annotationsOf(task: Task, askable: number, usdPerCall: number): Estimate['annotations'] {
  const { annotations, usd } = task.settings.budget;
  const affordable = usdPerCall === 0 ? Number.POSITIVE_INFINITY : Math.floor(usd / usdPerCall);
  if (affordable < Math.min(annotations, askable)) return { count: affordable, limit: 'usd' };
  return askable < annotations ? { count: askable, limit: 'documents' } : { count: annotations, limit: 'annotations' };
}

function kilowattHours(watts: number, seconds: number): number {
  return (watts * seconds) / 3.6e6;
}
