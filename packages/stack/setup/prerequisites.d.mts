type Ask = (command: string, args: string[]) => string | undefined;

export interface Choice {
  packages: string[];
  fits?(version: string): boolean;
}

export interface Prerequisite {
  name: string;
  missing(ask: Ask): string | undefined;
  packages: { apt: Choice[]; dnf: Choice[]; brew: Choice[] };
  elsewhere: string;
}

export function findBrowser(ask?: Ask): string | undefined;
export function findMissing(options?: {
  forTests?: boolean;
  ask?: Ask;
}): (Prerequisite & { reason: string })[];
