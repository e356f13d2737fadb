import type { Document, GoldDraw, LabelSet } from '@llambert/domain';
import type { Key } from '../terminal/keys.ts';
import { safeText } from '../terminal/safe-text.ts';
import type { GoldLog } from './gold-log.ts';
import { type LabelChoice, nothingChosen, pressKey } from './label-keys.ts';

export interface LabelSession {
  readonly labels: LabelSet;
  readonly question: string;
  /** Documents to label, in the order of the draw. */
  readonly documents: readonly Document[];
  /** How the documents were drawn. */
  readonly draw: GoldDraw;
  /** Documents that have a label from an earlier session. */
  readonly labelledBefore: number;
  readonly log: GoldLog;
  readonly keys: AsyncIterable<Key>;
  readonly print: (text: string) => void;
}

export interface SessionEnd {
  /** Labels given in this session and not taken back. */
  readonly labelled: number;
  /** Documents that were put off and have no label. */
  readonly putOff: number;
  /** `broken`: by Ctrl-C, or with the terminal. */
  readonly reason: 'done' | 'quit' | 'broken';
}

/** Characters of a long text that are shown at once. */
const pageCharacters = 3000;

/**
 * A person labels the documents, one after the other. A document that is put off comes again at the end; until it has a label it is
 * not in the file. Of a uniform draw, what is in the file is then a uniform draw of the documents that this person could
 * label.
 */
export async function labelInTerminal(session: LabelSession): Promise<SessionEnd> {
  const { labels, log, print } = session;
  const waiting = [...session.documents];
  const done: Document[] = [];
  const putOff = new Set<string>();
  let choice: LabelChoice = nothingChosen;
  let shown = 0;
  const end = (reason: SessionEnd['reason']): SessionEnd => ({ labelled: done.length, putOff: putOff.size, reason });
  const showMore = () => {
    const { text, textPair } = waiting[0]!;
    const whole = textPair === undefined ? text : `${text}\n\n--- second text ---\n${textPair}`;
    const page = whole.slice(shown, shown + pageCharacters);
    shown += page.length;
    const left = whole.length - shown;
    print(
      `${safeText(page.replace(/\r\n?/g, '\n'))}\n${left > 0 ? `… ${left.toLocaleString('en-US')} more characters: m shows more\n` : ''}`,
    );
  };
  const show = () => {
    choice = nothingChosen;
    shown = 0;
    const number = session.labelledBefore + done.length + 1;
    print(`\n──── ${number} of ${session.labelledBefore + done.length + waiting.length} · ${safeText(waiting[0]!.id)} ────\n`);
    showMore();
    print(`\n${session.question}\n${labelLines(labels)}\n${help(labels)}\n`);
  };

  if (waiting.length === 0) return end('done');
  show();
  for await (const key of session.keys) {
    const pressed = pressKey(labels, choice, key);
    if (pressed.kind === 'break') return end('broken');
    if (pressed.kind === 'quit') return end('quit');
    if (pressed.kind === 'more') showMore();
    if (pressed.kind === 'choosing') {
      if (pressed.choice !== choice) print(`\r\x1b[K${choiceText(labels, pressed.choice)}`);
      choice = pressed.choice;
    }
    if (pressed.kind === 'labelled') {
      const document = waiting.shift()!;
      log.append({
        id: document.id,
        ...(labels.kind === 'single' ? { label: pressed.labels[0] } : { labels: pressed.labels }),
        sampled: session.draw,
      });
      done.push(document);
      putOff.delete(document.id);
      print(`\r\x1b[K→ ${pressed.labels.join(', ') || '(none)'}\n`);
      if (waiting.length === 0) return end('done');
      show();
    }
    if (pressed.kind === 'later') {
      const document = waiting.shift()!;
      waiting.push(document);
      putOff.add(document.id);
      print('\r\x1b[K→ put off\n');
      show();
    }
    if (pressed.kind === 'undo') {
      if (log.undo()) {
        waiting.unshift(done.pop()!);
        print('\r\x1b[K→ taken back\n');
        show();
      } else print('\r\x1b[Knothing to take back in this session');
    }
  }
  return end('broken');
}

function labelLines({ names }: LabelSet): string {
  return names.map((name, index) => `  ${String(index + 1).padStart(String(names.length).length)}  ${safeText(name)}`).join('\n');
}

function help({ kind, names }: LabelSet): string {
  const number = names.length > 9 ? 'a number (Enter ends it)' : 'a number';
  const choose = kind === 'single' ? number : `${number} turns a label on or off, Enter: done`;
  return `${choose} · u undo · s later · q stop`;
}

function choiceText({ names }: LabelSet, { typed, chosen }: LabelChoice): string {
  return [names.filter((_, index) => chosen.has(index)).join(', '), typed === '' ? '' : `${typed}_`].filter(Boolean).join(' · ');
}
