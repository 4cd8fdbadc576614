import type { Config } from './schema.ts';

/** A validated config with what only its file knows. Paths inside `config` are absolute after loading. */
export interface LoadedConfig<C extends Config = Config> {
  readonly config: C;
  /** The run's name: `config.name`, else the file's name without its ending. */
  readonly name: string;
  /** The file the config came from, for messages. */
  readonly file: string;
}
