import { dirname, resolve } from 'node:path';
import { downloadModel, hubSettings } from '@llambert/adapters/hub';
import { type EncoderSource, parseEncoderSource, type StudentSettings } from '@llambert/domain';
import { checkPretrained, readEncoderConfig } from '@llambert/student';
import { megabytesTo, type Reporter } from '../terminal/reporter.ts';

/** Brings the weights of an encoder, and says in which folder they are. */
export type EncoderFolder = (source: Exclude<EncoderSource, { kind: 'scratch' }>, signal: AbortSignal) => Promise<string>;

/** Folders as the task file names them, relative to itself; models of the hub through the cache that Python's huggingface_hub uses. */
export function encoderFolders(taskFile: string, environment: NodeJS.ProcessEnv, reporter: Reporter): EncoderFolder {
  return async (source, signal) => {
    if (source.kind === 'folder') return resolve(dirname(taskFile), source.path);
    const name = `hf:${source.owner}/${source.name}`;
    const read = megabytesTo(reporter);
    let begun = false;
    const { folder, unverified } = await downloadModel(source, hubSettings(environment), {
      signal,
      onProgress({ doneBytes, totalBytes }) {
        if (!begun) reporter.step(`fetching ${name}`);
        begun = true;
        read({ bytesRead: doneBytes, bytesTotal: totalBytes });
      },
      // An architecture that is not supported is found out before its weights are fetched.
      beforeWeights: async (snapshot) => void (await readEncoderConfig(snapshot)),
    });
    if (unverified) reporter.notice(`${name} is taken from the cache: the hub was not asked whether there is a newer one`);
    return folder;
  };
}

/** Fetches the encoder that a task names and checks that it can be used: a mistake is found before the teacher is paid. */
export async function prepareEncoder({ encoder }: StudentSettings, folderOf: EncoderFolder, signal: AbortSignal): Promise<void> {
  const source = encoder === null ? null : parseEncoderSource(encoder);
  if (source !== null && source.kind !== 'scratch') await checkPretrained(await folderOf(source, signal));
}
