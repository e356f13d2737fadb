import { describe, expect, it } from 'vitest';
import { barReporter, duration, plainReporter } from './reporter.ts';

function recorder(columns = 80) {
  let text = '';
  return { stream: { columns, write: (part: string) => (text += part) }, text: () => text };
}

describe('barReporter', () => {
  it('draws one line over itself, keeps notices above it, and ends with a line end', () => {
    const { stream, text } = recorder();
    let time = 0;
    const reporter = barReporter(stream, () => time);
    reporter.step('reading');
    time = 1000;
    reporter.progress({ done: 50, total: 200, unit: 'MB' });
    reporter.progress({ done: 51, total: 200, unit: 'MB' });
    reporter.notice('a notice');
    reporter.end();
    reporter.end();
    const drawn = text();
    expect(drawn).toContain('25 % 50/200 MB');
    expect(drawn.split('\n')).toHaveLength(3);
    expect(drawn.split('\n')[0]).toMatch(/a notice$/);
    expect(drawn.split('\n')[1]).toContain('51/200 MB');
  });

  it('never draws wider than the terminal', () => {
    const { stream, text } = recorder(20);
    const reporter = barReporter(stream, () => 1e6);
    reporter.progress({ done: 1, total: null, unit: 'documents of a very long name' });
    reporter.end();
    for (const line of text()
      .replaceAll('\x1b[K', '')
      .split(/[\r\n]/))
      expect(line.length).toBeLessThan(20);
  });
});

describe('plainReporter', () => {
  it('writes a line when a step begins and then seldom', () => {
    const { stream, text } = recorder();
    let time = 0;
    const reporter = plainReporter(stream, () => time);
    reporter.step('labelling');
    for (time = 0; time <= 25_000; time += 1000) reporter.progress({ done: time, total: 30_000, unit: 'documents' });
    expect(text().trimEnd().split('\n')).toHaveLength(3);
    expect(text()).toContain('labelling: 10000 of 30000 documents (1000/s, 20 s left)');
  });
});

it('has one clock, and says percents once, where the note tells how fast it goes', () => {
  const note = 'update 4 of 8, 900 tokens/s, 3 min left';
  for (const [reporterOf, line] of [
    [barReporter, `░░░░ 12 % ${note}`],
    [plainReporter, `training: 10 % ${note}`],
  ] as const) {
    const { stream, text } = recorder(120);
    let time = 0;
    const reporter = reporterOf(stream, () => time);
    reporter.step('training');
    for (time = 0; time <= 12_000; time += 1000) reporter.progress({ done: time / 1000, total: 100, unit: '%', note, isTimedByNote: true });
    reporter.end();
    expect(text()).toContain(line);
    for (const each of text().split(/[\r\n]/)) expect(each).not.toMatch(/\/s.*\/s/);
  }
});

describe('duration', () => {
  it('says seconds as people do', () => {
    expect([5, 600, 7200, 864_000].map(duration)).toEqual(['5 s', '10 min', '2.0 h', '10.0 days']);
  });
});
