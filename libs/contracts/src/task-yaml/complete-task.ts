import type { FineTuningSettings, GoldDraw, PseudoLabelSettings, Task } from '@llambert/domain';
import { defaultTaskTopics } from '../topics.ts';
import { defaultMaxOutputTokens, defaultPoolSize, defaultRounds, defaults } from './defaults.ts';
import type { TaskDraft } from './schema.ts';
import { parseStudentModel } from './student-model.ts';

/** A task.yaml, complete. */
export interface ParsedTask {
  readonly task: Task;
  /** The file of people's labels, as the task.yaml names it; null: none. */
  readonly goldFile: string | null;
  /** How its documents were chosen; null: not said for the file as a whole, only a line itself may say it. */
  readonly goldDraw: GoldDraw | null;
}

/** Names of labels are compared and written in one form: without outer blanks, in Unicode's composed form. */
export function labelName(written: string): string {
  return written.trim().normalize('NFC');
}

/** Fills in what a draft leaves out. The draft must have passed `contradictions`. */
export function completeTask(draft: TaskDraft, prefix: string): ParsedTask {
  const labels = draft.labels.map(({ name, description }) => ({ name: labelName(name), description: description.trim() }));
  const kind = draft.kind ?? defaults.kind;
  const budget = { ...defaults.budget, ...given(draft.budget) };
  const gold = typeof draft.gold === 'string' ? { file: draft.gold } : (draft.gold ?? null);
  return {
    task: {
      name: draft.task,
      spec: {
        description: draft.description.trim(),
        kind,
        labels,
        guide: (draft.guide ?? defaults.guide).trim(),
        examples: (draft.examples ?? defaults.examples).map(({ text, textPair, label, labels: several }) => ({
          text,
          ...(textPair === undefined ? {} : { textPair }),
          labels: (label === undefined ? (several ?? []) : [label]).map(labelName),
        })),
      },
      settings: {
        teacher: {
          ...defaults.teacher,
          price: { input: 0, output: 0 },
          maxOutputTokens: defaultMaxOutputTokens(
            kind,
            labels.map(({ name }) => name),
          ),
          ...given(draft.teacher),
          baseUrl: draft.teacher.baseUrl.replace(/\/+$/, ''),
        },
        budget,
        sampling: {
          ...defaults.sampling,
          poolSize: defaultPoolSize(budget.annotations),
          rounds: defaultRounds(budget.annotations),
          ...given(draft.sampling),
        },
        student: {
          ...defaults.student,
          ...given(draft.student),
          ...parseStudentModel(draft.student?.model ?? defaults.student.model),
          pseudoLabels: pseudoLabelsOf(draft.student?.pseudoLabels),
          fineTuning: fineTuningOf(draft.student?.fineTuning),
        },
        routing: { ...defaults.routing, ...given(draft.routing) },
      },
      topics: { ...defaultTaskTopics(prefix, draft.task), ...given(draft.topics) },
    },
    goldFile: gold?.file ?? null,
    goldDraw: gold?.sampled ?? null,
  };
}

function pseudoLabelsOf(written: NonNullable<TaskDraft['student']>['pseudoLabels']): PseudoLabelSettings | null {
  return written ? { ...defaults.pseudoLabels, ...given(written) } : null;
}

function fineTuningOf(written: NonNullable<TaskDraft['student']>['fineTuning']): FineTuningSettings {
  const { goldStage = null, ...rest } = given(written);
  return { ...defaults.student.fineTuning, ...rest, goldStage: goldStage && { learningRate: null, ...given(goldStage) } };
}

type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without keys whose value is undefined, which would hide a default. */
function given<T extends object>(settings: T | undefined): Given<T> {
  return Object.fromEntries(Object.entries(settings ?? {}).filter(([, value]) => value !== undefined)) as Given<T>;
}
