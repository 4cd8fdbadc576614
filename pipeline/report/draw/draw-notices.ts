import { markup, prose, type Markup } from '../markup.ts';
import type { NoticesPart } from '../page.ts';

/** A word each, so that the colour does not say it alone. */
const words = { good: 'Good', note: 'Note', warning: 'Warning', failure: 'Failed' } as const;

export function drawNotices({ notices }: NoticesPart): Markup {
  return markup`<ul class="notices">
    ${notices.map(
      ({ level, text }) =>
        markup`<li class="${level}"><strong>${words[level]}</strong> <span>${prose(text)}</span></li> `,
    )}
  </ul> `;
}
