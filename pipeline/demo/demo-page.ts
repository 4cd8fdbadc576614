import { readFile } from 'node:fs/promises';
import { markup, markupOf } from '../report/markup.ts';
import { paletteCss } from '../report/palette.ts';

/** Nothing but its own folder; WebAssembly is compiled, its threads and pictures come out of the page's memory. */
const policy = [
  "default-src 'none'",
  "script-src 'self' blob: 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  'media-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** The page before its code has run: it says by itself why that may not happen. */
export function demoPage(
  title: string,
  { script, style }: { readonly script: string; readonly style: string },
): string {
  return `<!doctype html>
${markupOf(
  markup`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="${policy}" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>${title}: a model that changes its width</title>
      <link rel="icon" href="data:," />
      <link rel="stylesheet" href="${style}" />
      <script defer src="${script}"></script>
    </head>
    <body>
      <header>
        <h1>${title}: one model, many widths</h1>
        <p class="lead">
          A Vision Transformer runs in this page, on this device; no image leaves it. The slider is a budget:
          the page chooses the widths of its blocks that are predicted to lose least, as
          <code>compose</code> does, and exchanges them while it runs.
        </p>
      </header>
      <p id="status" role="status">
        Starting. If this does not change, the page was opened as a file, where browsers fetch nothing: serve
        its folder with
        <code>npm run pipeline -- demo RUN --serve</code>, or put it on any file host. It needs JavaScript.
      </p>
      <p id="problem" role="alert" hidden></p>
      <main hidden>
        <section id="budget" aria-labelledby="budget-title">
          <h2 id="budget-title">Budget</h2>
          <div class="controls">
            <label
              >Limit
              <select id="resource"></select
            ></label>
            <label class="wide"
              >to at most <output id="limit"></output
              ><input id="slider" type="range" min="0" max="200" step="1"
            /></label>
          </div>
          <div class="scroll">
            <table id="widths">
              <caption>
                Hidden units of each block
              </caption>
              <tbody></tbody>
            </table>
          </div>
        </section>
        <section id="figures" aria-labelledby="figures-title">
          <h2 id="figures-title">This model</h2>
          <dl id="facts"></dl>
        </section>
        <section id="look" aria-labelledby="look-title">
          <h2 id="look-title">Look at something</h2>
          <div class="controls">
            <label class="button">Choose an image<input id="file" type="file" accept="image/*" /></label>
            <button id="camera" type="button" aria-pressed="false">Use the camera</button>
            <button id="walk" type="button" aria-pressed="false" hidden>Walk through the samples</button>
            <label><input id="compare" type="checkbox" /> ask the teacher, too</label>
          </div>
          <p class="hint">Or drop an image here, or paste one.</p>
          <div class="stage">
            <figure>
              <canvas id="seen" width="224" height="224" role="img" aria-label="nothing yet"></canvas>
              <figcaption id="seen-text">What the model sees.</figcaption>
            </figure>
            <div>
              <ol id="answers" aria-label="Most likely classes"></ol>
              <p id="teacher-says"></p>
            </div>
          </div>
          <div id="samples" class="samples"></div>
          <video id="video" muted playsinline hidden></video>
        </section>
        <section id="check" aria-labelledby="check-title">
          <h2 id="check-title">Check the numbers</h2>
          <p id="check-lead"></p>
          <div class="controls">
            <label class="wide"
              >A model that the run measured
              <select id="models"></select
            ></label>
            <button id="measure" type="button">Measure it here</button>
            <progress id="measuring" max="1" value="0" aria-label="measured so far" hidden></progress>
          </div>
          <div class="scroll">
            <table id="measured" hidden>
              <caption>
                Measured in this page
              </caption>
              <thead>
                <tr>
                  <th scope="col">model</th>
                  <th scope="col">images</th>
                  <th scope="col">agrees with the teacher</th>
                  <th scope="col">right</th>
                  <th scope="col">the run on the same images</th>
                </tr>
              </thead>
              <tbody></tbody>
            </table>
          </div>
        </section>
        <section id="about" aria-labelledby="about-title">
          <h2 id="about-title">What computes</h2>
          <div class="controls">
            <label
              >Engine
              <select id="backend"></select
            ></label>
          </div>
          <dl id="engine"></dl>
        </section>
      </main>
    </body>
  </html>`,
)}
`;
}

/** In the report's colours. */
export async function demoStyle(): Promise<string> {
  return `${paletteCss()}\n${await readFile(new URL('./style.css', import.meta.url), 'utf8')}`;
}
