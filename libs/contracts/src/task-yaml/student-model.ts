import { LlambertError, parseEncoderSource, type StudentSettings } from '@llambert/domain';

const frozenPrefix = 'frozen:';
const autoPrefix = 'auto:';

/** The two settings that `student.model` of a task.yaml says in one. */
export type StudentModel = Pick<StudentSettings, 'model' | 'encoder'>;

/** `linear`, `frozen:<encoder>`, an encoder to fine-tune, or `auto`, with an encoder or without: `auto:<encoder>`. */
export function parseStudentModel(written: string): StudentModel {
  const text = written.trim();
  if (text === 'auto') return { model: 'auto', encoder: null };
  if (text.startsWith(autoPrefix)) return { model: 'auto', encoder: text.slice(autoPrefix.length).trim() };
  if (text === 'linear') return { model: 'linear', encoder: null };
  if (text.startsWith(frozenPrefix)) return { model: 'frozen', encoder: text.slice(frozenPrefix.length).trim() };
  return { model: 'fine-tuned', encoder: text };
}

/** How a task.yaml writes it. */
export function writeStudentModel({ model, encoder }: StudentModel): string {
  if (encoder === null) return model;
  return `${{ linear: '', auto: autoPrefix, frozen: frozenPrefix, 'fine-tuned': '' }[model]}${encoder}`;
}

/** What is wrong with a written encoder; null: nothing. */
function encoderProblem(encoder: string): string | null {
  try {
    parseEncoderSource(encoder.trim());
    return null;
  } catch (error) {
    if (error instanceof LlambertError) return error.message;
    throw error;
  }
}

/** What is wrong with a written model; null: nothing. */
export function studentModelProblem(written: string): string | null {
  const { model, encoder } = parseStudentModel(written);
  if (encoder === null) return null;
  const problem = encoderProblem(encoder);
  if (problem !== null) return problem;
  const { kind } = parseEncoderSource(encoder);
  if (model === 'frozen' && kind === 'scratch')
    return 'is frozen:scratch:small, whose embeddings mean nothing: fine-tune it, as scratch:small';
  if (kind === 'folder' && /^[a-z]{1,12}$/i.test(encoder)) {
    return `is ${JSON.stringify(encoder)}, which is no student; a folder of that name is written ./${encoder}. Students are linear, frozen:<encoder>, an encoder to fine-tune, auto, or auto:<encoder>`;
  }
  return null;
}
