import { posix } from 'node:path';
import { inSlices } from '../../base/steps.ts';
import { ConfigError, type ConfigIssue } from '../../config/config-error.ts';
import type { Config } from '../../config/schema/config.ts';
import { compileTopology } from '../../config/topology.ts';
import { DnsError } from '../errors.ts';
import type { ZoneProblem } from './problems.ts';
import { compileUnsignedZones } from './unsigned.ts';

/** How long others wait, at most. */
const sliceMs = 5;

/**
 * Whether a name server could serve the zones of a configuration: reads record data and zone
 * files as it does. 100,000 records take half a second, in slices between which others go on.
 *
 * @param file of the configuration, for messages; zone files are named from its folder on
 * @throws ConfigError `config_invalid` with every problem
 */
export async function checkZones(config: Config, file: string): Promise<void> {
  try {
    await inSlices(compileUnsignedZones(config, compileTopology(config), 1), sliceMs);
  } catch (error) {
    if (!(error instanceof DnsError) || error.code !== 'bad_zone') throw error;
    const problems = (error.details?.problems ?? []) as readonly ZoneProblem[];
    throw new ConfigError(
      'config_invalid',
      problems.map((problem) => issueOf(problem, file)),
      error,
    );
  }
}

function issueOf({ path, message, file, line }: ZoneProblem, config: string): ConfigIssue {
  if (file === undefined || line === undefined) return { file: config, path, message };
  const name = posix.isAbsolute(file) ? file : posix.join(posix.dirname(config), file);
  return { file: name, line, path, message };
}
