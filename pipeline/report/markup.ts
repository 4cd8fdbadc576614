const mark = Symbol('markup');

/** Text that is HTML already: only `markup` and `trusted` make it. */
export interface Markup {
  readonly [mark]: string;
}

export type Content = string | number | Markup | undefined | false | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For the text of elements and for quoted attributes. What no HTML may hold becomes U+FFFD. */
export function escapeHtml(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- these are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufdd0-\ufdef\ufffe\uffff]/g, '\ufffd')
      .replace(/\p{Surrogate}/gu, '\ufffd')
      .replace(/[&<>"']/g, (found) => entities[found]!)
  );
}

/** A template whose values are escaped but for `Markup`; attributes are always quoted in it. */
export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return trusted(parts.reduce((text, part, i) => text + markupOf(values[i - 1]) + part));
}

/** Running text: a number stays on the line of its unit. */
export function prose(text: string): string {
  return text.replace(/(?<=\d) (?=%|(?:points?|ms|s|min|h|MB|KB|M|k)\b)/g, '\u00a0');
}

/** Markup that was made elsewhere and holds nothing foreign unescaped. */
export function trusted(text: string): Markup {
  return { [mark]: text };
}

export function markupOf(content: Content): string {
  if (content === undefined || content === false) return '';
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') return String(content);
  if (mark in content) return content[mark];
  return content.map(markupOf).join('');
}

/** For what stands inside `<script type="application/json">`: no text can end it. */
export function scriptJson(value: unknown): Markup {
  return trusted(JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeUnit));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
