/** What Vega writes and a page need not hold: defaults, empty outlines, and roles inside of what is an image as a whole. */
const needless = [
  /<path class="(?:background|foreground)" aria-hidden="true" d="(?:M0,0h0v0h0Z)?"[^>]*\/>/g,
  / (?:role|aria-roledescription|aria-hidden|class|pointer-events|stroke-miterlimit)="[^"]*"/g,
  / opacity="1"/g,
  / transform="translate\(0,0\)"/g,
  / (?:xmlns:xlink|version)="[^"]*"/g,
] as const;

/** Axes and legends have words for who cannot see them; the drawing has one text for all, and each mark its own. */
const ofGuides = /(<g class="mark-group role-(?:axis|legend)"[^>]*?) aria-label="[^"]*"/g;

/** The drawing as it stands in a page beside others: smaller, and with ids of its own. */
export function tidySvg(svg: string, prefix: string): string {
  const named = svg.replace(ofGuides, '$1');
  const smaller = needless.reduce((text, pattern) => text.replace(pattern, ''), named);
  const ids = new Map<string, string>();
  const idOf = (id: string) => {
    const known = ids.get(id) ?? `${prefix}-${ids.size + 1}`;
    ids.set(id, known);
    return known;
  };
  return smaller
    .replace(/ id="([^"]*)"/g, (_, id: string) => ` id="${idOf(id)}"`)
    .replace(/url\(#([^)]*)\)/g, (_, id: string) => `url(#${idOf(id)})`)
    .replace(/(\d\.\d{2})\d+/g, '$1')
    .replace(/^<svg /, '<svg aria-hidden="true" focusable="false" ');
}
