export function cleanInstall(context: {
  root: string;
  logFile: string;
  note(line: string): void;
}): Promise<void>;
