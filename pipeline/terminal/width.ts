import { stripVTControlCharacters } from 'node:util';

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** East Asian wide and fullwidth (Unicode's EastAsianWidth W and F), in blocks; and what is drawn as a picture. */
const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{16fe0}-\u{18d8f}\u{1aff0}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f)/u;
/** What `paint` gives before it is written. */
const ourSequence = new RegExp(`${String.fromCharCode(27)}[0-9a-f]*\\[\\d*[mKJ]`, 'g');
const isPlain = /^[\x20-\x7e]*$/;

/** Columns that a text of one line takes on a screen. Colours take none. */
export function displayWidth(text: string): number {
  if (isPlain.test(text)) return text.length;
  return [...characters.segment(withoutColours(text))].reduce(
    (sum, { segment }) => sum + widthOf(segment),
    0,
  );
}

/** Cut to so many columns, "..." at its end where something is missing. */
export function cutTo(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  const room = Math.max(0, columns - 3);
  return `${startOf(text, room)}${'.'.repeat(Math.min(3, columns))}`;
}

/** The same, "..." in its middle: where ends tell texts apart. */
export function cutMiddle(text: string, columns: number): string {
  if (displayWidth(text) <= columns || columns < 9) return cutTo(text, columns);
  const letters = [...characters.segment(text)].map(({ segment }) => segment);
  const tail = startOf(letters.toReversed().join(''), Math.floor((columns - 3) / 2));
  const end = letters.slice(letters.length - [...characters.segment(tail)].length).join('');
  return `${startOf(text, columns - 3 - displayWidth(end))}...${end}`;
}

/**
 * Broken at spaces into lines of so many columns. A longer word (a path, a command) gets a line of its own and stays whole: it is to be
 * copied.
 * @param indent what the second line and those after it begin with
 */
export function wrapTo(text: string, columns: number, indent = ''): string[] {
  const [start = ''] = /^ */.exec(text) ?? [];
  const [first = '', ...words] = text.slice(start.length).split(' ');
  const lines: string[] = [];
  let line = start + first;
  for (const word of words) {
    if (displayWidth(line) + 1 + displayWidth(word) <= columns) line += ` ${word}`;
    else {
      lines.push(line.trimEnd());
      line = indent + word;
    }
  }
  return [...lines, line];
}

/** Filled up with spaces. */
export function padTo(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return align === 'right' ? space + text : text + space;
}

/** Colours stay, also those that end behind it. */
function startOf(text: string, columns: number): string {
  const colours = text.match(ourSequence) ?? [];
  let start = '';
  let left = columns;
  for (const [index, part] of text.split(ourSequence).entries()) {
    if (index > 0) start += colours[index - 1] ?? '';
    for (const { segment } of characters.segment(part)) {
      left -= widthOf(segment);
      if (left < 0) break;
      start += segment;
    }
  }
  return start;
}

function widthOf(grapheme: string): number {
  if (/^[\p{Cc}\p{Cf}\p{Mn}\p{Me}]/u.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}

/** Also those that `paint` makes, whose start is replaced when they are written. */
function withoutColours(text: string): string {
  return stripVTControlCharacters(text.replace(ourSequence, ''));
}
