const token = /\s*(?:([{}[\]:,])|(-?\d+)|u?'((?:[^'\\\n]|\\.)*)'|u?"((?:[^"\\\n]|\\.)*)")\s*/y;

/**
 * A list or dictionary of numbers and strings as Python prints it, `{0: 'tench', 1: "potter's wheel"}`, as JSON; undefined for
 * other text, and for text that is JSON already.
 */
export function pythonAsJson(text: string): string | undefined {
  if (isJson(text)) return undefined;
  const made: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const found = token.exec(text);
    if (found === null) return undefined;
    const [, mark, number, single, double] = found;
    // A comma after the last member, and numbers as keys, are Python's alone.
    if ((mark === '}' || mark === ']') && made.at(-1) === ',') made.pop();
    const isKey = text[token.lastIndex] === ':';
    const string = single ?? double;
    if (string !== undefined) made.push(JSON.stringify(unescaped(string)));
    else made.push(mark ?? (isKey ? `"${number ?? ''}"` : String(Number(number))));
  }
  return made.join('');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/gi,
    (whole, two, four, one: string | undefined) => {
      const code = (two ?? four) as string | undefined;
      if (code !== undefined) return String.fromCharCode(parseInt(code, 16));
      return one !== undefined && '\\\'"'.includes(one) ? one : whole;
    },
  );
}
