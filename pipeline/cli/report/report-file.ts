/** Where a run's report lies, below its folder. */
export const reportFile = 'report.html';
