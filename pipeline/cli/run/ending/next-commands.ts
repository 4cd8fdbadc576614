import { quoted } from '../quoted.ts';
import type { RunPlaces } from './places.ts';

/** What is typed after a run, the most useful first. */
interface Follower {
  readonly command: string;
  readonly line: (places: RunPlaces) => string | undefined;
}

const withLibrary =
  (text: (run: string) => string) =>
  ({ run, library }: RunPlaces): string | undefined =>
    library === undefined ? undefined : text(quoted(run));

const followers: readonly Follower[] = [
  { command: 'compose', line: withLibrary((run) => `compose ${run} --max-drop 1pp`) },
  {
    command: 'demo',
    line: (places) =>
      places.isClassifier === false ? undefined : withLibrary((run) => `demo ${run} --serve`)(places),
  },
  { command: 'deploy', line: ({ deployments: [first] }) => first && `deploy ${quoted(first)} --local` },
  { command: 'show', line: ({ run }) => `show ${quoted(run)}` },
];

/** The next useful commands, each as it is typed. @param commands those that there are */
export function nextCommands(places: RunPlaces, commands: readonly string[]): string[] {
  return followers.flatMap(({ command, line }) => {
    const text = commands.includes(command) ? line(places) : undefined;
    return text === undefined ? [] : [`npm run pipeline -- ${text}`];
  });
}
