import { dirname, resolve } from 'node:path';
import { LlambertError, parseEncoderSource, type Task } from '@llambert/domain';
import { checkPretrained } from '@llambert/student';
import type { Finding } from './finding.ts';

/**
 * Whether the encoder that a task names can be trained from. Nothing is downloaded: of a model of the hub only its name can be judged.
 * @param taskFile folders are relative to it
 */
export async function encoderFindings(task: Task, taskFile: string): Promise<Finding[]> {
  const { encoder } = task.settings.student;
  if (encoder === null) return [];
  const source = parseEncoderSource(encoder);
  const found = (state: Finding['state'], message: string): Finding[] => [{ check: 'encoder', state, message }];
  if (source.kind === 'scratch') return found('ok', `${encoder}: fresh weights, made when training begins`);
  if (source.kind === 'hub') return found('ok', `${encoder} is fetched when a run begins, if the cache does not have it`);
  try {
    await checkPretrained(resolve(dirname(taskFile), source.path));
    return found('ok', `${encoder} can be trained from`);
  } catch (error) {
    if (!(error instanceof LlambertError)) throw error;
    return found('fail', error.message);
  }
}
