#!/usr/bin/env node
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Intent, intents, type Message } from './message.ts';
import type { Phrases } from './phrases.ts';
import { english } from './phrases-english.ts';
import { japanese } from './phrases-japanese.ts';
import { type Random, randomStream } from './random.ts';
import { compileTemplate, type Slots, type Template } from './template.ts';
import { addTypos, chatStyle } from './typing.ts';
import { writeMessages } from './write-messages.ts';

/** Shares of a message's making, in [0, 1]. */
const shares = { japanese: 0.1, ambiguous: 0.06, opener: 0.45, closer: 0.4, context: 0.35, aside: 0.18, askFirst: 0.65, typos: 0.25 };
/** Of ten messages with the intents in this order. */
const intentWeights: readonly Intent[] = [...intents, ...intents, 'delivery', 'refund', 'product'];

/**
 * Synthetic messages to a webshop. Message `i` of a seed is always the same, whatever `count` is; memory does not grow with it.
 * @param options.seed an integer
 */
export function* generateMessages(options: { count: number; seed: number }): Generator<Message> {
  for (let index = 0; index < options.count; index++) yield message(index, randomStream(options.seed, index));
}

function message(index: number, random: Random): Message {
  const language = random.chance(shares.japanese) ? 'ja' : 'en';
  const channel = random.pick(['email', 'email', 'chat', 'chat', 'form'] as const);
  const intent = random.pick(intentWeights);
  const body = compose(writers[language], intent, random);
  const styled = channel === 'chat' ? chatStyle(body, random) : body;
  const text = language === 'en' && random.chance(shares.typos) ? addTypos(styled, random) : styled;
  return { id: `m-${String(index + 1).padStart(7, '0')}`, text, channel, language, intent };
}

/** A language's phrases, ready to write. */
interface Writer {
  readonly openers: readonly Template[];
  readonly closers: readonly Template[];
  readonly context: readonly Template[];
  readonly asks: Readonly<Record<Intent, readonly Template[]>>;
  readonly asides: Readonly<Record<Intent, readonly Template[]>>;
  readonly ambiguous: Readonly<Record<Intent, readonly Template[]>>;
  readonly slots: Slots;
  readonly space: string;
}

function compose(writer: Writer, intent: Intent, random: Random): string {
  const write = (templates: readonly Template[]): string => random.pick(templates)(random, writer.slots);
  const ask = write(random.chance(shares.ambiguous) ? writer.ambiguous[intent] : writer.asks[intent]);
  const around: string[] = [];
  if (random.chance(shares.context)) around.push(write(writer.context));
  if (random.chance(shares.aside)) around.push(write(writer.asides[random.pick(intents.filter((other) => other !== intent))]));
  const middle = random.chance(shares.askFirst) ? [ask, ...around] : [...around, ask];
  const opener = random.chance(shares.opener) ? [write(writer.openers)] : [];
  const closer = random.chance(shares.closer) ? [write(writer.closers)] : [];
  const separator = random.chance(0.15) ? '\n' : writer.space;
  return [...opener, ...middle, ...closer].join(separator);
}

function writerOf(phrases: Phrases, space: string, price: (amount: number) => string): Writer {
  const compileEach = (sources: readonly string[]): Template[] => sources.map(compileTemplate);
  const byIntent = (sources: (intent: Intent) => readonly string[]) =>
    Object.fromEntries(intents.map((intent) => [intent, compileEach(sources(intent))])) as unknown as Record<Intent, Template[]>;
  const whole = (random: Random, from: number, to: number): number => from + Math.floor(random.next() * (to - from + 1));
  return {
    openers: compileEach(phrases.openers),
    closers: compileEach(phrases.closers),
    context: compileEach(phrases.context),
    asks: byIntent((intent) => phrases.asks[intent]),
    asides: byIntent((intent) => phrases.asides[intent]),
    ambiguous: byIntent((intent) => phrases.ambiguous.filter((one) => one.meant.includes(intent)).map((one) => one.text)),
    slots: {
      ...Object.fromEntries(Object.entries(phrases.slots).map(([name, values]) => [name, (random: Random) => random.pick(values)])),
      product: (random) =>
        `${random.pick(phrases.slots.brand!)}${random.pick(phrases.slots.adjective!)}${random.pick(phrases.slots.noun!)}`,
      order: (random) => `${random.pick(['#', '', 'WS-'])}${whole(random, 100000, 999999)}`,
      number: (random) => String(whole(random, 2, 40)),
      height: (random) => String(whole(random, 150, 195)),
      price: (random) => price(whole(random, 5, 400)),
      email: (random) => `${random.pick(['anna', 'tom', 'yuki', 'sam', 'c.reyes', 'info'])}${whole(random, 1, 99)}@example.com`,
    },
    space,
  };
}

const writers = {
  en: writerOf(english, ' ', (amount) => `$${amount}`),
  ja: writerOf(japanese, '', (amount) => `${amount * 100}円`),
};

const usage = `usage: node generate.ts [--count 20000] [--seed 1] [--gold 600] [--out DIR]
writes DIR/messages.csv (id,text,channel,language) and DIR/gold.jsonl ({id, label} of a uniform sample)`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      gold: { type: 'string', default: '600' },
      out: { type: 'string', default: '.' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const whole = (name: 'count' | 'seed' | 'gold'): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`--${name} must be a whole number from 0 on, not "${values[name]}"`);
    return value;
  };
  const options = { count: whole('count'), seed: whole('seed'), gold: whole('gold'), folder: resolve(values.out) };
  if (options.gold > options.count) throw new RangeError(`--gold ${options.gold} is more than --count ${options.count}`);
  await writeMessages(generateMessages(options), options);
  console.error(`wrote ${options.count} messages and ${options.gold} gold labels to ${options.folder}`);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exitCode = 2;
  });
}
