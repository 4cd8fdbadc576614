import { markup, type Markup } from '../markup.ts';
import type { GalleryPart } from '../page.ts';

/** What an image may be: data of a bitmap format, nothing that is fetched or runs. */
const bitmap = /^data:image\/(?:png|jpeg|webp|gif|avif);base64,[A-Za-z0-9+/]+={0,2}$/;

/** Images with lines below; one whose source is not a bitmap's data is left out, its lines stay. */
export function drawGallery({ caption, images }: GalleryPart, id: string): Markup {
  return markup`<div class="gallery" role="group" aria-labelledby="${id}-caption">
    <p class="caption" id="${id}-caption">${caption}</p>
    <ul>
      ${images.map(
        ({ source, alternative, lines }) =>
          markup`<li>
            ${
              bitmap.test(source)
                ? markup`<img src="${source}" alt="${alternative}" decoding="async" />`
                : markup`<span class="no-image">${alternative}</span>`
            }${lines.map((line) => markup`<span>${line}</span>`)}
          </li> `,
      )}
    </ul>
  </div> `;
}
