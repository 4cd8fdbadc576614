/**
 * Waiting for the GPU inside a synchronous call.
 *
 * Dawn's addon (npm `webgpu` 0.6.2) settles its promises in tasks that it hands to `globalThis.setImmediate`, which it looks up at
 * every turn; each task looks at the device once and hands in the next. Here such tasks are told from others, and can be
 * run on the spot instead of in the event loop. Load this before the addon.
 */
type Task = () => void;
type SetImmediate = (task: Task, ...rest: readonly unknown[]) => unknown;

/** The addon's tasks that the event loop has not run yet. */
const waiting = new Set<Task>();
/** While a synchronous wait goes on: its tasks, instead of the event loop's. */
let own: Task[] | undefined;
let original: SetImmediate | undefined;

/** Puts this module between the addon and `setImmediate`; once per process. */
export function interceptTasks(): void {
  if (original !== undefined) return;
  const underneath = globalThis.setImmediate as unknown as SetImmediate;
  original = underneath;
  const between: SetImmediate = (task, ...rest) => {
    if (!isNative(task)) return underneath(task, ...rest);
    if (own !== undefined) return void own.push(task);
    return schedule(task);
  };
  // Node's promisified form hangs on the function as a property.
  globalThis.setImmediate = Object.defineProperties(
    between,
    Object.getOwnPropertyDescriptors(underneath),
  ) as unknown as typeof setImmediate;
}

/**
 * Runs the addon's tasks until `done()`.
 *
 * @returns whether it is done; false where the addon has nothing left to do, which means that it never will be
 */
export function waitUntil(done: () => boolean): boolean {
  own = [...waiting];
  waiting.clear();
  try {
    while (!done()) {
      const task = own.shift();
      if (task === undefined) return false;
      task();
    }
    return true;
  } finally {
    const rest = own;
    own = undefined;
    rest.forEach(schedule);
  }
}

function schedule(task: Task): unknown {
  waiting.add(task);
  return original?.(() => {
    if (waiting.delete(task)) task();
  });
}

/** Functions of addons have no name and no source. */
function isNative(task: Task): boolean {
  return task.name === '' && Function.prototype.toString.call(task).includes('[native code]');
}
