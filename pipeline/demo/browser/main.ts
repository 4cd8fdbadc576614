import { startPage } from './start-page.ts';
import { startWorker } from './start-worker.ts';

// One file for both: the page starts itself again as the thread that computes.
if (typeof document === 'undefined') startWorker();
else startPage((document.currentScript as HTMLScriptElement).src);
