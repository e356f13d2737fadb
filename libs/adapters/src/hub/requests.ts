import { setTimeout as rest } from 'node:timers/promises';
import { LlambertError } from '@llambert/domain';
import type { HubSettings } from './settings.ts';

/** A model of the hub, at a branch, a tag or a commit. */
export interface HubModel {
  readonly owner: string;
  readonly name: string;
  readonly revision: string;
}

/** What every request needs: whose model, how to get there, and when to stop. */
export interface HubAccess {
  readonly model: HubModel;
  readonly settings: HubSettings;
  readonly signal: AbortSignal | null;
}

/** What a server says of a file before it sends it. */
export interface FileFacts {
  /** Name of its contents: the SHA-256 of a file in LFS, the git blob's SHA-1 of others. */
  readonly etag: string;
  readonly bytes: number;
}

const mostRedirects = 5;
/** The longest rest that a server may ask for and get, in seconds. */
const longestRestS = 60;

/** The commit that a revision stands for, and the names of its files. */
export async function describeModel(access: HubAccess, tries: number): Promise<{ commit: string; files: ReadonlySet<string> }> {
  const { model, settings } = access;
  const url = `${settings.endpoint}/api/models/${model.owner}/${model.name}/revision/${encodeURIComponent(model.revision)}`;
  const answer = await withTries(access, tries, async () => {
    const { response, silence } = await send(access, 'GET', url, {});
    try {
      return (await response.json()) as { sha?: unknown; siblings?: unknown } | null;
    } catch (error) {
      if (error instanceof SyntaxError) throw notAHub(access, 'what it says of the model is not JSON');
      throw brokenConnection(access, error);
    } finally {
      silence.end();
    }
  });
  const commit = answer?.sha;
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) throw notAHub(access, 'it names no commit');
  if (!Array.isArray(answer?.siblings)) throw notAHub(access, 'it lists no files');
  const names = answer.siblings.map((sibling: { rfilename?: unknown } | null) => sibling?.rfilename);
  return { commit, files: new Set(names.filter((name) => typeof name === 'string')) };
}

export function fileUrl({ model, settings }: HubAccess, commit: string, file: string): string {
  return `${settings.endpoint}/${model.owner}/${model.name}/resolve/${commit}/${encodeURIComponent(file)}`;
}

/** Asks for a file's digest and size. They stand in the hub's own answer: the host that a file in LFS redirects to is not asked. */
export async function fileFacts(access: HubAccess, commit: string, file: string): Promise<FileFacts> {
  const url = fileUrl(access, commit, file);
  return withTries(access, access.settings.patience.tries, async () => {
    const { response, silence } = await send(access, 'HEAD', url, { 'accept-encoding': 'identity' }, file);
    silence.end();
    const etag = (response.headers.get('x-linked-etag') ?? response.headers.get('etag') ?? '').replace(/^W\//, '').replaceAll('"', '');
    const length = response.headers.get('x-linked-size') ?? (response.ok ? response.headers.get('content-length') : null);
    // The etag becomes a file name in the cache.
    if (!/^[\w-]{8,128}$/.test(etag)) throw notAHub(access, `it gives no usable etag for ${file}`);
    if (length === null || !/^\d{1,15}$/.test(length)) throw notAHub(access, `it does not say how long ${file} is`);
    return { etag, bytes: Number(length) };
  });
}

/** Watches over a server's silence: `heard` at every sign of life, `end` when done. */
interface Silence {
  readonly signal: AbortSignal;
  heard(): void;
  end(): void;
}

function watchSilence(ms: number): Silence {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no byte for ${ms / 1000} s`)), ms);
  return { signal: controller.signal, heard: () => timer.refresh(), end: () => clearTimeout(timer) };
}

/**
 * Sends a request and follows redirects itself, because the token must not go with them to another host. A HEAD request stops at a
 * redirect to another host, or at one that has the facts asked for. The caller ends the watch over the silence.
 * Throws `hub_unreachable` for what may pass, and the refusals by status.
 */
export async function send(
  access: HubAccess,
  method: 'GET' | 'HEAD',
  url: string,
  headers: Readonly<Record<string, string>>,
  file: string | null = null,
): Promise<{ response: Response; silence: Silence }> {
  const { settings, signal } = access;
  const home = new URL(settings.endpoint).origin;
  const silence = watchSilence(settings.patience.silenceMs);
  try {
    let target = new URL(url);
    for (let hop = 0; hop <= mostRedirects; hop++) {
      const own: Record<string, string> = { ...headers, 'user-agent': 'llambert' };
      if (settings.token !== null && target.origin === home) own['authorization'] = `Bearer ${settings.token}`;
      const signals = signal === null ? [silence.signal] : [silence.signal, signal];
      const response = await fetch(target, { method, headers: own, redirect: 'manual', signal: AbortSignal.any(signals) }).catch(
        (error: unknown) => {
          throw brokenConnection(access, error);
        },
      );
      silence.heard();
      const next = redirectTarget(access, response, target);
      if (next === null || (method === 'HEAD' && (response.headers.has('x-linked-etag') || next.origin !== target.origin))) {
        const refused = next === null ? refusal(access, response, file) : null;
        if (refused === null) return { response, silence };
        await response.body?.cancel();
        throw refused;
      }
      await response.body?.cancel();
      target = next;
    }
    throw notAHub(access, `it redirects more than ${mostRedirects} times`);
  } catch (error) {
    silence.end();
    throw error;
  }
}

function redirectTarget(access: HubAccess, response: Response, from: URL): URL | null {
  const location = response.headers.get('location');
  if (response.status < 300 || response.status >= 400 || location === null) return null;
  const next = URL.parse(location, from.href);
  if (next?.protocol !== 'http:' && next?.protocol !== 'https:')
    throw notAHub(access, 'it redirects to something that is no http(s) address');
  return next;
}

/** The error that a status stands for; null: none. The hub says by a code of its own what it is that was not found. */
function refusal(access: HubAccess, { status, headers }: Response, file: string | null): LlambertError | null {
  if (status >= 200 && status < 300) return null;
  // A range that the file does not have: the one who asked for it starts over.
  if (status === 416) return null;
  const { model, settings } = access;
  const id = `${model.owner}/${model.name}`;
  const reason = headers.get('x-error-code');
  const facts = { endpoint: settings.endpoint, model: id, status };
  if (status === 408 || status === 429 || status >= 500) {
    const seconds = Number.parseInt(headers.get('retry-after') ?? '', 10);
    return new LlambertError('hub_unreachable', `the hub at ${settings.endpoint} answers HTTP ${status} for ${id}: try again later`, {
      facts: seconds > 0 ? { ...facts, restMs: Math.min(seconds, longestRestS) * 1000 } : facts,
    });
  }
  const key =
    settings.token === null ? 'set HF_TOKEN to a token that may read it' : 'check that the token in HF_TOKEN is valid and may read it';
  if (reason === 'GatedRepo') {
    return new LlambertError(
      'hub_refused_credentials',
      `hf:${id} is gated: accept its terms at ${settings.endpoint}/${id} with your account, and ${key}`,
      { facts },
    );
  }
  if (reason === 'RevisionNotFound') {
    return new LlambertError(
      'not_found',
      `hf:${id} has no revision "${model.revision}": write a branch, a tag or a whole commit behind @`,
      { facts },
    );
  }
  if (reason === 'RepoNotFound' || (status === 404 && file === null)) {
    return new LlambertError(
      'not_found',
      `the hub at ${settings.endpoint} shows no model ${id}: check the name, and if it is private or gated ${key}`,
      { facts },
    );
  }
  if (status === 401 || status === 403) {
    return new LlambertError(
      'hub_refused_credentials',
      `the hub at ${settings.endpoint} refuses hf:${id} (HTTP ${status}). If it is private ${key}; if it is gated accept its terms at ${settings.endpoint}/${id} as well`,
      { facts },
    );
  }
  return new LlambertError('not_found', `the hub at ${settings.endpoint} does not give ${file ?? id} of hf:${id} (HTTP ${status})`, {
    facts,
  });
}

/** Tries again, with growing rests, what failed for a reason that may pass. */
async function withTries<T>(access: HubAccess, tries: number, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (failures >= tries || !(error instanceof LlambertError) || error.code !== 'hub_unreachable') throw error;
      await restAfter(access, failures, error);
    }
  }
}

/** Rests before the next try: as long as the server asked, or twice as long with every failure. */
export async function restAfter({ settings, signal }: HubAccess, failures: number, error: LlambertError): Promise<void> {
  const asked = error.facts['restMs'];
  const ms = typeof asked === 'number' ? asked : settings.patience.firstRestMs * 2 ** (failures - 1);
  await rest(ms, undefined, signal === null ? {} : { signal }).catch((cause: unknown) => {
    throw stopped(cause);
  });
}

/** What a connection that failed means: somebody stopped it, or the hub is away. */
export function brokenConnection({ settings, signal }: HubAccess, error: unknown): LlambertError {
  if (signal?.aborted === true) return stopped(error);
  return new LlambertError(
    'hub_unreachable',
    `the hub at ${settings.endpoint} cannot be reached, or cut the connection (${causeOf(error)}). Try again, set HF_ENDPOINT to a mirror, or name a folder with the model`,
    { facts: { endpoint: settings.endpoint }, cause: error },
  );
}

function notAHub({ settings }: HubAccess, problem: string): LlambertError {
  return new LlambertError(
    'invalid_input',
    `${settings.endpoint} does not answer like a Hugging Face hub: ${problem}. Is HF_ENDPOINT right?`,
    {
      facts: { endpoint: settings.endpoint },
    },
  );
}

function stopped(cause: unknown): LlambertError {
  return new LlambertError('cancelled', 'the download was stopped; the next one goes on where it was', { cause });
}

/** The innermost reason, in a word: fetch wraps those of the connection. */
function causeOf(error: unknown): string {
  let inner = error;
  for (let depth = 0; depth < 5 && inner instanceof Error && inner.cause instanceof Error; depth++) inner = inner.cause;
  const code = (inner as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : inner instanceof Error ? inner.message : String(inner);
}
