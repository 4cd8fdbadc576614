import type { Fact, ReportPage, Section } from './page.ts';

/** What is told of every run, whatever its method. */
export interface CommonPage {
  /** Of the window: the run's name. */
  readonly title: string;
  readonly facts: readonly Fact[];
  /** Where the time went, warnings, provenance; in this order, behind what the method says. */
  readonly sections: readonly Section[];
  /** What there is to say where the method has nothing to tell yet: how far the run came and what is missing. */
  readonly unfinished?: readonly string[] | undefined;
}

/** The page of a run: what its method says of it, and what is told of every run. @param own undefined: nothing to tell yet */
export function wholePage(own: ReportPage | undefined, common: CommonPage): ReportPage {
  const { title, facts = [], headline = [], sections = [] } = own ?? {};
  const told = new Set(facts.map(({ label }) => label));
  return {
    title: title ?? common.title,
    headline: [...headline, ...(common.unfinished ?? [])],
    facts: [...facts, ...common.facts.filter(({ label }) => !told.has(label))],
    sections: [...sections, ...common.sections],
  };
}
