import { format } from 'node:util';

/** How far one step has come. */
export interface StepProgress {
  readonly done: number;
  /** null: not known. */
  readonly total: number | null;
  readonly unit: string;
  /** Something worth saying beside it, such as the money spent. */
  readonly note?: string;
  /** Whether the note says how fast it goes and how long it takes, so that nothing else is to. */
  readonly isTimedByNote?: boolean;
}

/** Tells a person on stderr what is going on; stdout is for results. */
export interface Reporter {
  /** A step begins; the one before it is over. */
  step(name: string): void;
  progress(progress: StepProgress): void;
  notice(message: string): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

/** Rest between two plain progress lines, in milliseconds. */
const plainIntervalMs = 10_000;

/** Tells how much of an input is read, in megabytes: for `onProgress` of a reading. */
export function megabytesTo(reporter: Pick<Reporter, 'progress'>) {
  return ({ bytesRead, bytesTotal }: { bytesRead: number; bytesTotal: number | null }): void =>
    reporter.progress({
      done: Math.round(bytesRead / 1e6),
      total: bytesTotal === null ? null : Math.round(bytesTotal / 1e6),
      unit: 'MB',
    });
}

/** Bars on a terminal, plain lines elsewhere. */
export function reporterFor(stream: NodeJS.WriteStream, options: { quiet: boolean }): Reporter {
  if (options.quiet) return { step() {}, progress() {}, notice: (message) => stream.write(`${message}\n`), end() {} };
  return stream.isTTY ? barReporter(stream, Date.now) : plainReporter(stream, Date.now);
}

/** Columns of the bar itself. */
const barColumns = 24;
/** Rest between two drawings of the bar, in milliseconds. */
const drawIntervalMs = 100;

/**
 * One line that is drawn over. Nothing is drawn between calls, so a question can be asked while no step is under way. Exported for
 * its test.
 */
export function barReporter(stream: { write(text: string): unknown; readonly columns?: number }, now: () => number): Reporter {
  let step = '';
  let line = '';
  let drawnAt = 0;
  let isDrawn = false;
  let meter = speedometer(now);
  const draw = () => {
    if (line === '') return;
    drawnAt = now();
    isDrawn = true;
    stream.write(`\r\x1b[K${line.slice(0, Math.max(1, (stream.columns ?? 80) - 1))}`);
  };
  const finishLine = () => {
    draw();
    if (isDrawn) stream.write('\n');
    line = '';
    isDrawn = false;
  };
  return {
    step(name) {
      finishLine();
      step = name;
      drawnAt = 0;
      meter = speedometer(now);
    },
    progress({ done, total, unit, note, isTimedByNote }) {
      const speed = isTimedByNote === true ? '' : meter(done, total);
      const share = total === null || total === 0 ? null : Math.min(1, done / total);
      const bar =
        share === null ? '' : `${'█'.repeat(Math.round(share * barColumns)).padEnd(barColumns, '░')} ${Math.floor(share * 100)} % `;
      // The bar says percents itself.
      const amount = unit === '%' && bar !== '' ? '' : `${done}${total === null ? '' : `/${total}`} ${unit}`;
      line = `${step.padEnd(10)} ${bar}${[amount, speed, note].filter(Boolean).join(' ')}`;
      if (now() - drawnAt >= drawIntervalMs) draw();
    },
    notice(message) {
      if (isDrawn) stream.write('\r\x1b[K');
      stream.write(`${message}\n`);
      draw();
    },
    end: finishLine,
  };
}

/** One line when a step begins and then one every ten seconds. Exported for its test. */
export function plainReporter(stream: { write(text: string): unknown }, now: () => number): Reporter {
  let step = '';
  let lastLine = 0;
  let meter = speedometer(now);
  return {
    step(name) {
      step = name;
      lastLine = now();
      meter = speedometer(now);
      stream.write(`${name} …\n`);
    },
    progress({ done, total, unit, note, isTimedByNote }) {
      const speed = isTimedByNote === true ? '' : meter(done, total);
      if (now() - lastLine < plainIntervalMs) return;
      lastLine = now();
      const amount = `${done}${total === null || unit === '%' ? '' : ` of ${total}`} ${unit}`;
      stream.write(`${step}: ${[amount, speed, note].filter(Boolean).join(' ')}\n`);
    },
    notice: (message) => stream.write(`${message}\n`),
    end() {},
  };
}

/** Rate since the step began and the time that is left at it. */
function speedometer(now: () => number): (done: number, total: number | null) => string {
  let begun: { at: number; done: number } | null = null;
  return (done, total) => {
    begun ??= { at: now(), done };
    const seconds = (now() - begun.at) / 1000;
    const rate = (done - begun.done) / seconds;
    if (seconds < 1 || rate <= 0) return '';
    const left = total === null || done >= total ? '' : `, ${duration((total - done) / rate)} left`;
    return format('(%s/s%s)', rate >= 10 ? Math.round(rate) : rate.toFixed(1), left);
  };
}

/** Seconds as people say them. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} days`;
}
