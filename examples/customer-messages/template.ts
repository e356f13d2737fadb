import type { Random } from './random.ts';

export type Slots = Readonly<Record<string, (random: Random) => string>>;

/** Writes one of the texts a template stands for. */
export type Template = (random: Random, slots: Slots) => string;

/**
 * Compiles a template: `[this|that|]` is one of its alternatives (they nest), `{name}` a slot.
 * @throws RangeError where a bracket is not closed
 */
export function compileTemplate(source: string): Template {
  let at = 0;

  const sequence = (stops: string): Template => {
    const parts: Template[] = [];
    while (at < source.length && !stops.includes(source[at]!)) {
      if (source[at] === '[') parts.push(alternatives());
      else if (source[at] === '{') parts.push(slot());
      else parts.push(literal(stops));
    }
    return (random, slots) => parts.map((part) => part(random, slots)).join('');
  };
  const alternatives = (): Template => {
    const choices: Template[] = [];
    do {
      at++;
      choices.push(sequence('|]'));
    } while (source[at] === '|');
    if (source[at] !== ']') throw new RangeError(`template without a closing ]: ${source}`);
    at++;
    return (random, slots) => random.pick(choices)(random, slots);
  };
  const slot = (): Template => {
    const end = source.indexOf('}', at);
    if (end < 0) throw new RangeError(`template without a closing }: ${source}`);
    const name = source.slice(at + 1, end);
    at = end + 1;
    return (random, slots) => {
      const fill = slots[name];
      if (fill === undefined) throw new RangeError(`template with an unknown slot {${name}}: ${source}`);
      return fill(random);
    };
  };
  const literal = (stops: string): Template => {
    const start = at;
    while (at < source.length && !'[{'.includes(source[at]!) && !stops.includes(source[at]!)) at++;
    const text = source.slice(start, at);
    return () => text;
  };

  return sequence('');
}
