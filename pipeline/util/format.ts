/** "1.50 GB": decimal units, three significant digits. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${small(value)} B` : `${threeDigits(value)} ${units[unit]}`;
}

/** "5.72 M": counts of parameters or multiply-adds. */
export function formatCount(count: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? small(value) : `${threeDigits(value)}${units[unit]}`;
}

/** Counts are whole; shares of them, as limits are, need not be. */
function small(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(3)));
}

/** "0.8 s", "42 s", "3 min 05 s", "2 h 10 min", "5 days 3 h". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const hours = Math.floor(whole / 3600);
  if (hours >= 48) return `${Math.floor(hours / 24).toLocaleString('en')} days ${hours % 24} h`;
  return `${hours} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
