export interface RssSample {
  readonly startBytes: number;
  readonly peakBytes: number;
  readonly endBytes: number;
}

/** Watches the resident memory of this process until `stop`; the timer never keeps the process alive. */
export function sampleRss(intervalMs = 500): { stop(): RssSample } {
  const startBytes = process.memoryUsage.rss();
  let peakBytes = startBytes;
  const look = (): number => {
    const now = process.memoryUsage.rss();
    peakBytes = Math.max(peakBytes, now);
    return now;
  };
  const timer = setInterval(look, intervalMs).unref();
  return {
    stop() {
      clearInterval(timer);
      const endBytes = look();
      return { startBytes, peakBytes, endBytes };
    },
  };
}
