const searchedCharacters = 1024;

/**
 * The start of a text, at least so many UTF-16 units of it, ended before a space or line break: there, the tokens of the start are the
 * first tokens of the whole. Without one in the next 1,024 units it ends inside a word, never inside a surrogate pair.
 */
export function textStart(text: string, characters: number): string {
  if (characters >= text.length) return text;
  for (let at = Math.max(1, characters); at < Math.min(text.length, characters + searchedCharacters); at++) {
    if (isBreak(text, at)) return text.slice(0, at);
  }
  return text.slice(0, splitsPair(text, characters) ? characters + 1 : characters);
}

/** The end of a text, likewise; it begins with the space or line break. */
export function textEnd(text: string, characters: number): string {
  if (characters >= text.length) return text;
  const latest = text.length - characters;
  for (let at = latest; at > Math.max(0, latest - searchedCharacters); at--) {
    if (isBreak(text, at)) return text.slice(at);
  }
  return text.slice(splitsPair(text, latest) ? latest - 1 : latest);
}

/** Whether a run of white space begins here. Runs stay whole, as some tokenizers have tokens for them. */
function isBreak(text: string, at: number): boolean {
  const here = text.charCodeAt(at);
  return (here === 0x20 || here === 0x0a) && /\S/.test(text.charAt(at - 1));
}

function splitsPair(text: string, at: number): boolean {
  return (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}
