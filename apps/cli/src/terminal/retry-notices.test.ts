import { expect, it } from 'vitest';
import { retryNotices } from './retry-notices.ts';

it('says the first failure of a kind at once, then seldom and with a count', () => {
  const lines: string[] = [];
  let time = 0;
  const onRetry = retryNotices({ notice: (line) => lines.push(line) }, () => time);
  const fail = (what: string, waitMs = 1500) => onRetry({ what, reason: 'HTTP 429: slow\ndown\x1b[2J', failures: 1, waitMs });
  fail('asking the teacher');
  fail('sending events', 65_000);
  for (time = 1000; time < 30_000; time += 1000) fail('asking the teacher');
  time = 30_000;
  fail('asking the teacher');
  time = 90_000;
  fail('asking the teacher');
  expect(lines).toEqual([
    'asking the teacher failed (HTTP 429: slow down\ufffd[2J): trying again in 1.5 s',
    'sending events failed (HTTP 429: slow down\ufffd[2J): trying again in 65 s',
    'asking the teacher failed (HTTP 429: slow down\ufffd[2J): trying again in 1.5 s; 29 more failures since this was last said',
    'asking the teacher failed (HTTP 429: slow down\ufffd[2J): trying again in 1.5 s',
  ]);
});
