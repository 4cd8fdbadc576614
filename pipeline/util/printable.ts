/**
 * What a terminal would obey instead of showing: controls, marks that turn the direction of the text (bidi), invisible
 * formats, line separators, halves of characters. Joiners stay: emoji and several scripts are written with them.
 */
const unsafe = /(?!\r\n|[\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const unsafeOrBreak = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Text of others (file names, class names, keys, messages of libraries) with everything escaped that a terminal would
 * obey; line breaks (also of CSV, CR LF) and tabs stay. The escapes are JSON's, and no such character can stand in JSON but inside a string,
 * so JSON stays JSON and means the same.
 */
export function printable(text: string): string {
  return text.replace(unsafe, escapeUnits);
}

/** The same on one line: for a cell of a table, a name, a subject, where a line break would fake a line of ours. */
export function oneLine(text: string): string {
  return text.replace(unsafeOrBreak, escapeUnits);
}

function escapeUnits(character: string): string {
  return [...Array(character.length).keys()]
    .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
    .join('');
}
