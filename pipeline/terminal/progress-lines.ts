/** Hands on a report every three seconds: a line each, for what takes minutes on a large library. */
export function progressLines<T>(tell: (progress: T) => void): (progress: T) => void {
  const every = 3000;
  let next = Date.now() + every;
  return (progress) => {
    if (Date.now() < next) return;
    next = Date.now() + every;
    tell(progress);
  };
}
