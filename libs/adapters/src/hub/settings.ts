import { homedir } from 'node:os';
import { join } from 'node:path';
import { LlambertError } from '@llambert/domain';

/** How the hub is reached, and where its files are kept: by the variables that Python's huggingface_hub goes by, too. */
export interface HubSettings {
  /** `HF_ENDPOINT`: the hub's address, without a slash at its end. */
  readonly endpoint: string;
  /** `HF_HUB_CACHE`, or `hub` below `HF_HOME`. */
  readonly cacheFolder: string;
  /** `HF_TOKEN`; null: only public models. Never printed, and sent to the endpoint only. */
  readonly token: string | null;
  /** `HF_HUB_OFFLINE`: the cache only, and no request at all. */
  readonly offline: boolean;
  readonly patience: HubPatience;
}

export interface HubPatience {
  /** Tries without a new byte before the hub counts as away. */
  readonly tries: number;
  /** Rest after the first failure, in milliseconds; doubled after each further one. */
  readonly firstRestMs: number;
  /** Longest silence of a server before the connection is given up, in milliseconds. */
  readonly silenceMs: number;
}

const patience: HubPatience = { tries: 5, firstRestMs: 500, silenceMs: 30_000 };

/**
 * The settings of an environment. Throws `invalid_input` for an endpoint that is no plain http(s) address and for a token that no
 * header can carry; the message never quotes the token.
 */
export function hubSettings(environment: Readonly<Record<string, string | undefined>>, home: string = homedir()): HubSettings {
  // An empty variable is one that is not set, as in huggingface_hub.
  const stated = (name: string): string | null => environment[name]?.trim() || null;
  const folder = (path: string): string => (path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path);
  const cacheHome = stated('XDG_CACHE_HOME') ?? join(home, '.cache');
  const hubHome = stated('HF_HOME') ?? join(cacheHome, 'huggingface');
  return {
    endpoint: checkedEndpoint(stated('HF_ENDPOINT') ?? 'https://huggingface.co'),
    cacheFolder: folder(stated('HF_HUB_CACHE') ?? join(hubHome, 'hub')),
    token: checkedToken(stated('HF_TOKEN')),
    offline: ['1', 'on', 'yes', 'true'].includes((stated('HF_HUB_OFFLINE') ?? '').toLowerCase()),
    patience,
  };
}

function checkedEndpoint(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new LlambertError('invalid_input', 'HF_ENDPOINT is no http(s) address: write one like https://huggingface.co, or leave it out');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new LlambertError(
      'invalid_input',
      'HF_ENDPOINT must be a plain address, without user name, password or query: the token goes in HF_TOKEN',
    );
  }
  return url.href.replace(/\/+$/, '');
}

function checkedToken(token: string | null): string | null {
  if (token === null || /^[\x21-\x7e]+$/.test(token)) return token;
  throw new LlambertError('invalid_input', 'HF_TOKEN holds white space or characters outside ASCII: copy the token again');
}
