import type { Random } from './random.ts';

/** How people write in a chat window: mostly without capitals, full stops or apostrophes. */
export function chatStyle(text: string, random: Random): string {
  let styled = text;
  if (random.chance(0.5)) styled = styled.toLowerCase();
  if (random.chance(0.3)) styled = styled.replace(/[.。]$/u, '');
  if (random.chance(0.2)) styled = styled.replaceAll("'", '');
  if (random.chance(0.15)) styled = styled.replace(/\?/g, '??').replace(/？/g, '？？');
  if (random.chance(0.1)) styled += random.pick([' :)', ' :(', ' 🙏', ' !!', '…']);
  return styled;
}

/** Changes one to three words as hasty fingers do: letters swapped, left out or doubled. */
export function addTypos(text: string, random: Random): string {
  const words = text.split(' ');
  const slips = 1 + Math.floor(random.next() * 3);
  for (let slip = 0; slip < slips; slip++) {
    const at = Math.floor(random.next() * words.length);
    const word = words[at]!;
    if (!/^[a-z']{4,}/i.test(word)) continue;
    const letter = 1 + Math.floor(random.next() * (word.length - 2));
    words[at] = random.pick([
      word.slice(0, letter) + word[letter + 1]! + word[letter]! + word.slice(letter + 2),
      word.slice(0, letter) + word.slice(letter + 1),
      word.slice(0, letter) + word[letter]! + word.slice(letter),
    ]);
  }
  return words.join(' ');
}
