/** Marks in the contents which section is being read. */
export function followContents(): void {
  const links = new Map(
    [...document.querySelectorAll<HTMLAnchorElement>('nav a')].map((link) => [link.hash.slice(1), link]),
  );
  const visible = new Set<string>();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) visible.add(target.id);
        else visible.delete(target.id);
      }
      const read = [...links.keys()].find((id) => visible.has(id));
      if (read === undefined) return;
      for (const [id, link] of links) {
        if (id === read) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
      }
    },
    { rootMargin: '-15% 0px -60% 0px' },
  );
  for (const section of document.querySelectorAll('main > section')) observer.observe(section);
}
