import { LlambertError, parseEncoderSource, type StudentSettings } from '@llambert/domain';

const frozenPrefix = 'frozen:';

/** The two settings that `student.model` of a task.yaml says in one. */
export type StudentModel = Pick<StudentSettings, 'model' | 'encoder'>;

/** `linear`, `auto`, `frozen:<encoder>`, or an encoder to fine-tune. */
export function parseStudentModel(written: string): StudentModel {
  const text = written.trim();
  if (text === 'linear' || text === 'auto') return { model: text, encoder: null };
  if (text.startsWith(frozenPrefix)) return { model: 'frozen', encoder: text.slice(frozenPrefix.length) };
  return { model: 'fine-tuned', encoder: text };
}

/** How a task.yaml writes it. */
export function writeStudentModel({ model, encoder }: StudentModel): string {
  if (encoder === null) return model;
  return model === 'frozen' ? `${frozenPrefix}${encoder}` : encoder;
}

/** What is wrong with a written model; null: nothing. */
export function studentModelProblem(written: string): string | null {
  const { model, encoder } = parseStudentModel(written);
  if (encoder === null) return null;
  try {
    const source = parseEncoderSource(encoder);
    if (model === 'frozen' && source.kind === 'scratch')
      return 'is frozen:scratch:small, whose embeddings mean nothing: fine-tune it, as scratch:small';
    if (source.kind === 'folder' && /^[a-z]{1,12}$/i.test(encoder)) {
      return `is ${JSON.stringify(encoder)}, which is no student; a folder of that name is written ./${encoder}. Students are linear, frozen:<encoder>, an encoder to fine-tune, or auto`;
    }
    return null;
  } catch (error) {
    if (error instanceof LlambertError) return error.message;
    throw error;
  }
}
