import type { MonitorSettings } from '../../config/operation.ts';
import { withoutPassword } from '../../util/without-password.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** An MLflow server and who asks it. */
export interface Connection {
  /** Without a slash at its end, without user and password. */
  readonly url: string;
  readonly experiment: string;
  readonly authorization?: string | undefined;
}

/**
 * The config's server, else MLFLOW_TRACKING_URI's; its experiment, else MLFLOW_EXPERIMENT_NAME's, else "blockforge". Secrets by
 * MLFLOW_TRACKING_USERNAME and _PASSWORD, else _TOKEN (as MLflow's own client has it), else those of the URL.
 * @returns a sentence where there is no such server
 */
export function connectionOf(
  settings: NonNullable<MonitorSettings['mlflow']>,
  env: Environment,
): Connection | string {
  const said = settings.url ?? env.MLFLOW_TRACKING_URI ?? '';
  if (said === '') return 'monitor.mlflow: no server; set monitor.mlflow.url or MLFLOW_TRACKING_URI';
  const url = URL.canParse(said) ? new URL(said) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const shown = withoutPassword(said);
    return `monitor.mlflow: ${shown} is not told of: expected the http:// or https:// address of an MLflow server`;
  }
  const {
    MLFLOW_TRACKING_USERNAME: user,
    MLFLOW_TRACKING_PASSWORD: password,
    MLFLOW_TRACKING_TOKEN: token,
  } = env;
  const basic = (name: string, secret: string) =>
    `Basic ${Buffer.from(`${name}:${secret}`, 'utf8').toString('base64')}`;
  const own = url.username === '' ? undefined : basic(decoded(url.username), decoded(url.password));
  const authorization = user && password ? basic(user, password) : token ? `Bearer ${token}` : own;
  url.username = url.password = url.hash = url.search = '';
  return {
    url: url.href.replace(/\/+$/, ''),
    experiment: settings.experiment ?? (env.MLFLOW_EXPERIMENT_NAME || 'blockforge'),
    authorization,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
