import type { OnRetry } from '@llambert/domain';
import type { Reporter } from './reporter.ts';
import { excerpt } from './safe-text.ts';

/** Rest between two lines about the same thing, in milliseconds. */
const restMs = 30_000;
/** Most characters of a reason: a server's words may be long. */
const reasonCharacters = 200;

/** Says what is tried again and why: the first time at once, then at most every half minute with the number of failures in between. */
export function retryNotices(reporter: Pick<Reporter, 'notice'>, now: () => number): OnRetry {
  const said = new Map<string, { at: number; unsaid: number }>();
  return ({ what, reason, waitMs }) => {
    const last = said.get(what);
    if (last !== undefined && now() - last.at < restMs) {
      last.unsaid += 1;
      return;
    }
    const unsaid = last?.unsaid ?? 0;
    said.set(what, { at: now(), unsaid: 0 });
    const before = unsaid === 0 ? '' : `; ${unsaid} more failure${unsaid === 1 ? '' : 's'} since this was last said`;
    reporter.notice(`${what} failed (${excerpt(reason, reasonCharacters)}): trying again in ${wait(waitMs)}${before}`);
  };
}

function wait(milliseconds: number): string {
  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.round(milliseconds / 1000)} s`;
}
