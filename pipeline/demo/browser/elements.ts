/** The page's element of that id. @throws Error where there is none: a bug */
export function element(id: string): HTMLElement {
  return needed(document.getElementById(id), id);
}

/** The same of a kind, e.g. `HTMLInputElement`. @throws Error where it is of another: a bug */
export function elementOf<T extends HTMLElement>(kind: new () => T, id: string): T {
  const found = element(id);
  if (!(found instanceof kind)) throw new Error(`${id} is another element`);
  return found;
}

/** The first element inside another that a selector finds. @throws Error where there is none: a bug */
export function inside(place: ParentNode, selector: string): HTMLElement {
  return needed(place.querySelector<HTMLElement>(selector), selector);
}

function needed(found: HTMLElement | null, name: string): HTMLElement {
  if (found === null) throw new Error(`no element ${name}`);
  return found;
}

/** An element that holds text or others. Text stays text, whoever wrote it. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  content: string | readonly (Node | string)[] = [],
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  made.append(...(typeof content === 'string' ? [content] : content));
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Names and what stands for each, in a `<dl>`. */
export function showFacts(
  list: HTMLElement,
  facts: readonly { readonly name: string; readonly value: string; readonly note?: string | undefined }[],
): void {
  list.replaceChildren(
    ...facts.map(({ name, value, note }) =>
      make('div', [
        make('dt', name),
        make('dd', [make('strong', value), ...(note === undefined ? [] : [make('span', note)])]),
      ]),
    ),
  );
}
