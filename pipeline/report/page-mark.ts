/** Stands in the head of every page: by it, what may be written over is known. */
export const pageMark = '<meta name="generator" content="BlockForge report">';
