import { stopServices } from '@windrow/stack';
import type { AddCommand } from '../context.ts';

export const addDownCommand: AddCommand = (program, { stateDir, print }) => {
  program
    .command('down')
    .description('stop the services; they commit the events that they hold first')
    .addHelpText('after', '\nExample:\n  $ npx windrow down && npx windrow stack down')
    .action(async () => {
      print((await stopServices(stateDir)) ? 'the services are stopped' : 'no services were running');
    });
};
