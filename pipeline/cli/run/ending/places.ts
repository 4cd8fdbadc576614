/** Where what a run hands on lies, as it is shown and typed: from where the command was given, if below there. */
export interface RunPlaces {
  readonly run: string;
  /** report.html, where it was written. */
  readonly report?: string | undefined;
  readonly library?: string | undefined;
  /** Its models are classifiers, which a page can show. */
  readonly isClassifier?: boolean | undefined;
  /** The folders that go to devices. */
  readonly deployments: readonly string[];
}
