/**
 * What a UTF-16 code unit means to the feature extractor, as tables of 65,536 entries so that a text is read in one pass over its
 * units. The Unicode properties come from the runtime's own tables, through regular expressions.
 */

/** Splits words and runs. */
export const separator = 0;
/** Letter, digit or mark of a script that separates its words. */
export const wordUnit = 1;
/** Letter, digit or mark of a script that writes words without spaces between them. */
export const unspacedUnit = 2;
/** A pictograph: a word by itself. */
export const pictographUnit = 3;
/** Half of a code point above U+FFFF: see `astralKind`. */
export const surrogateUnit = 4;

const unspacedScripts = ['Han', 'Hiragana', 'Katakana', 'Thai', 'Lao', 'Khmer', 'Myanmar'];
// Script extensions, because the long-vowel mark ー and the iteration mark 々 belong to several scripts at once.
const unspacedPattern = new RegExp(`^[${unspacedScripts.map((script) => `\\p{Script_Extensions=${script}}`).join('')}]$`, 'u');
const wordPattern = /^[\p{L}\p{N}\p{M}]$/u;
const variantPattern = /^\p{Variation_Selector}$/u;
const pictographPattern = /^\p{Extended_Pictographic}$/u;

/** Kind of every code unit. */
export const unitKinds = new Uint8Array(65536);
/** Every code unit with its case folded (simple folding: one unit stays one unit). */
export const foldedUnits = new Uint16Array(65536);

for (let unit = 0; unit < 65536; unit++) {
  if (unit >= 0xd800 && unit <= 0xdfff) {
    unitKinds[unit] = surrogateUnit;
    foldedUnits[unit] = unit;
    continue;
  }
  const character = String.fromCharCode(unit);
  unitKinds[unit] = kindOfCharacter(character);
  // By way of the upper case, so that σ and the final ς, or K and the Kelvin sign, become one.
  const upper = character.toUpperCase();
  const folded = (upper.length === 1 ? upper : character).toLowerCase();
  foldedUnits[unit] = folded.charCodeAt(0);
}

function kindOfCharacter(character: string): number {
  // What is no letter in Latin-1 (©, ®) or a variant's mark (U+FE0F after an emoji) says nothing.
  if (pictographPattern.test(character) && character > '\u2000') return pictographUnit;
  if (!wordPattern.test(character) || variantPattern.test(character)) return separator;
  return unspacedPattern.test(character) ? unspacedUnit : wordUnit;
}

const astralKinds = new Map<number, number>();

/**
 * Kind of a code point above U+FFFF. A letter of a script that writes spaces counts as a pictograph, a word by itself: such scripts
 * are too rare to be read unit by unit.
 */
export function astralKind(codePoint: number): number {
  let kind = astralKinds.get(codePoint);
  if (kind === undefined) {
    kind = kindOfCharacter(String.fromCodePoint(codePoint));
    if (kind === wordUnit) kind = pictographUnit;
    astralKinds.set(codePoint, kind);
  }
  return kind;
}

/** The units that NFKC may change into something the extractor would read differently, as a character class. */
const denormalPattern = denormalUnits();

function denormalUnits(): RegExp {
  // Marks and jamo that compose with what stands before them; a lone one is already normal, so its own form does not tell.
  const ranges = ['\\u0300-\\u036f', '\\u1100-\\u11ff', '\\u3099\\u309a', '\\ud835'];
  for (let unit = 0x80; unit < 65536; unit++) {
    if (unit >= 0xd800 && unit <= 0xdfff) continue;
    const character = String.fromCharCode(unit);
    const normal = character.normalize('NFKC');
    if (normal === character || (unitKinds[unit] === separator && ![...normal].some((part) => kindOfCharacter(part) !== separator)))
      continue;
    ranges.push(`\\u${unit.toString(16).padStart(4, '0')}`);
  }
  return new RegExp(`[${ranges.join('')}]`);
}

/** The text in NFKC where that matters (full-width letters, half-width kana, decomposed accents), itself where it does not. */
export function normalized(text: string): string {
  return denormalPattern.test(text) ? text.normalize('NFKC') : text;
}
