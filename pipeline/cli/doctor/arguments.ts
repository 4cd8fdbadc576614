import type { CommandArguments } from '../command.ts';

export interface DoctorCommand {
  readonly json: boolean;
}

export const doctorArguments: CommandArguments<DoctorCommand, DoctorCommand> = {
  usage: 'doctor',
  describe: 'look this machine over: engines, processors, memory, and what would help',
  options: (parser) =>
    parser.option('json', { type: 'boolean', default: false, describe: 'the same as JSON' }),
  read: ({ json }) => ({ json }),
};
