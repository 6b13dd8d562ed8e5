import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** A command that failed. `logFile` holds its output, `logEnd` the last 20 lines of it. */
export class CommandFailed extends Error {
  constructor(command, how, logFile) {
    super(`${command} ${how}`);
    this.logFile = logFile;
    this.logEnd = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
  }
}

/**
 * Runs a command until it ends and appends its output to `logFile`.
 * @throws {CommandFailed} when it cannot be started or does not exit with 0
 */
export function run(command, args, { logFile, cwd, env = {} }) {
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
  closeSync(log);
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new CommandFailed(command, `could not be run: ${error.message}`, logFile)),
    );
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new CommandFailed(command, `ended with ${signal ?? `exit code ${code}`}`, logFile));
    });
  });
}
