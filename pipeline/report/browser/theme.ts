import { element } from './element.ts';

const key = 'blockforge-theme';

/** A switch between light and dark; without it the page follows the system. Kept where the browser lets a file keep something. */
export function startTheme(): void {
  const root = document.documentElement;
  const kept = read();
  if (kept !== undefined) root.dataset['theme'] = kept;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset['theme'] ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const button = element('button', { type: 'button', class: 'theme' });
  const name = () => {
    button.textContent = isDark() ? 'Light colours' : 'Dark colours';
  };
  button.addEventListener('click', () => {
    root.dataset['theme'] = isDark() ? 'light' : 'dark';
    keep(root.dataset['theme']);
    name();
  });
  system.addEventListener('change', name);
  name();
  document.querySelector('header')?.append(button);
}

function read(): 'light' | 'dark' | undefined {
  try {
    const kept = localStorage.getItem(key);
    return kept === 'light' || kept === 'dark' ? kept : undefined;
  } catch {
    return undefined;
  }
}

function keep(theme: string): void {
  try {
    localStorage.setItem(key, theme);
  } catch {
    // A page without storage forgets it when it is closed.
  }
}
