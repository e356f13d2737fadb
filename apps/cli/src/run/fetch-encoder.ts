import { dirname, resolve } from 'node:path';
import { downloadModel, hubSettings } from '@llambert/adapters/hub';
import { type EncoderSource, parseEncoderSource, type StudentSettings } from '@llambert/domain';
import { checkPretrained, readEncoderConfig } from '@llambert/student';
import type { FetchedEncoder } from '@llambert/training';
import { megabytesTo, type Reporter } from '../terminal/reporter.ts';

/** Brings the weights of an encoder. */
export type FetchEncoder = (source: Exclude<EncoderSource, { kind: 'scratch' }>, signal: AbortSignal) => Promise<FetchedEncoder>;

/**
 * Folders as the task file names them, relative to itself; models of the hub through the cache that Python's huggingface_hub uses. A
 * run asks the hub once: all its rounds start from the same weights.
 */
export function encoderFetcher(taskFile: string, environment: NodeJS.ProcessEnv, reporter: Reporter): FetchEncoder {
  let fetched: FetchedEncoder | null = null;
  return async (source, signal) => {
    if (source.kind === 'folder') return { folder: resolve(dirname(taskFile), source.path), name: source.path };
    if (fetched !== null) return fetched;
    const name = `hf:${source.owner}/${source.name}`;
    const read = megabytesTo(reporter);
    let begun = false;
    const { folder, commit, unverified } = await downloadModel(source, hubSettings(environment), {
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
    fetched = { folder, name: `${name}@${commit}` };
    return fetched;
  };
}

/** Fetches the encoder that a task names and checks that it can be used: a mistake is found before the teacher is paid. */
export async function prepareEncoder({ encoder }: StudentSettings, fetch: FetchEncoder, signal: AbortSignal): Promise<void> {
  const source = encoder === null ? null : parseEncoderSource(encoder);
  if (source !== null && source.kind !== 'scratch') await checkPretrained((await fetch(source, signal)).folder);
}
