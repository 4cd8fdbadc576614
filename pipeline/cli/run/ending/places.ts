/** Where what a run hands on lies, as it is shown and typed: from where the command was given, if below there. */
export interface RunPlaces {
  readonly run: string;
  /** report.html, where it was written. */
  readonly report?: string | undefined;
  readonly library?: string | undefined;
  /** The folders that go to devices. */
  readonly deployments: readonly string[];
}
