import type { Prerequisite } from './prerequisites.mjs';

export interface System {
  manager: 'apt' | 'dnf' | 'brew' | undefined;
  isRoot: boolean;
  hasSudo: boolean;
}

type AptVersions = (names: string[]) => Map<string, string>;

export function mayInstall(system: System): boolean;
export function readAptVersions(
  names: string[],
  ask?: (command: string, args: string[]) => string | undefined,
): Map<string, string>;
export function choosePackages(
  missing: Prerequisite[],
  manager: System['manager'],
  aptVersions?: AptVersions,
): { packages: string[]; notPackaged: Prerequisite[] };
export function installCommand(packages: string[], system: System): string;
export function explain(
  missing: (Prerequisite & { reason: string })[],
  system: System,
  aptVersions?: AptVersions,
): string;
